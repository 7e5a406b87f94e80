import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The boxes of objects in pictures, from a file of `{"PICTURE": [{"label": "…", "box": [left, top, right, bottom]}]}`:
/// right and bottom are the first column and row past the object.
public struct ObjectBoxes: Sendable {
  /// An object in a picture.
  public struct Object: Sendable, Equatable {
    /// The name of its class.
    public let label: String
    /// Where it is.
    public let box: PixelRectangle
  }

  private let path: String
  private let objects: [String: [Object]]

  private struct Entry: Decodable {
    let label: String
    let box: [Int]
  }

  /// Reads a file.
  ///
  /// Throws `unreadable`, or `badData` saying what is wrong.
  public init(contentsOf path: String) throws {
    self.path = path
    let bytes = try contentsOfFile(at: path)
    guard let entries = try? JSONDecoder().decode([String: [Entry]].self, from: Data(bytes)) else {
      throw GradCAMError(
        .badData, at: path, problem: "holds no boxes",
        advice: #"write {"PICTURE": [{"label": "NAME", "box": [left, top, right, bottom]}]}"#)
    }
    objects = try entries.mapValues { try $0.map { try Self.object($0, path) } }
  }

  private static func object(_ entry: Entry, _ path: String) throws -> Object {
    let box = entry.box
    guard box.count == 4, box[0] < box[2], box[1] < box[3], box.allSatisfy({ abs($0) <= 1 << 24 }) else {
      throw GradCAMError(
        .badData, at: path, problem: "\(box) is not the box of a '\(entry.label)'",
        advice: "give left, top, right and bottom in pixels")
    }
    return Object(
      label: entry.label, box: PixelRectangle(x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1]))
  }

  /// The objects in a picture, which the file identifies by the end of its path.
  public func objects(in picture: String) -> [Object] {
    let parts = picture.split(separator: "/")
    for count in stride(from: parts.count, to: 0, by: -1) {
      if let found = objects[parts.suffix(count).joined(separator: "/")] { return found }
    }
    return objects[picture] ?? []
  }

  /// The boxes of the objects of a class in a picture; labels are read as by `Labels.index`.
  ///
  /// Throws `badData` if a label is not a class of the model.
  public func boxes(in picture: String, of index: Int, _ labels: Labels, classCount: Int) throws -> [PixelRectangle] {
    try objects(in: picture).filter { try classIndex($0, labels, classCount: classCount) == index }.map(\.box)
  }

  /// The classes of the objects in a picture, each once.
  ///
  /// Throws `badData` if a label is not a class of the model.
  public func classes(in picture: String, _ labels: Labels, classCount: Int) throws -> [Int] {
    try objects(in: picture).reduce(into: []) { classes, object in
      let index = try classIndex(object, labels, classCount: classCount)
      if !classes.contains(index) { classes.append(index) }
    }
  }

  private func classIndex(_ object: Object, _ labels: Labels, classCount: Int) throws -> Int {
    do {
      return try labels.index(of: object.label, classCount: classCount)
    } catch let error as GradCAMError {
      throw GradCAMError(
        .badData, at: "\(path)", problem: "the label '\(object.label)' is not a class of the model",
        advice: error.advice)
    }
  }
}
