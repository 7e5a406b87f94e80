import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The boxes of objects in given pictures, in pixels.
///
/// The file that they are from, or the folder, is in a form that its content tells: this program's own JSON
/// (`{"PICTURE": [{"label": "…", "box": [left, top, right, bottom]}]}`), COCO, a table, YOLO or Pascal VOC. A pixel belongs
/// to a box if its centre lies inside; a box too small for that is one pixel wide or high.
public struct ObjectBoxes: Sendable {
  /// An object in a picture.
  public struct Object: Sendable, Equatable {
    /// The name or number of its class.
    public let label: String
    /// Where it is.
    public let box: PixelRectangle
    /// Where it stands in the file.
    let place: String
  }

  /// What the user should know about the file: pictures without boxes, boxes that go beyond a picture.
  public private(set) var warnings: [Message] = []
  /// What is not used of the file: pictures that were not given.
  public private(set) var notes: [Message] = []
  private let path: String
  private let map: [String: LabelMap.Entry]
  /// By the path of the picture.
  private var objects: [String: [Object]] = [:]

  /// Reads the boxes of pictures.
  ///
  /// - Parameters:
  ///   - path: a file or a folder.
  ///   - pictures: the paths of the pictures, which the file names by the ends of them.
  ///   - labelMap: what the labels mean that are not classes.
  ///   - size: the size of a picture, upright; nil if it cannot be read, which leaves its boxes out.
  ///
  /// Throws `unreadable` if a file cannot be read, `usage` for a wrong label map, and `badData` naming the place: for what
  /// the file's format does not allow; if it names none of the pictures, or a picture may be several of those; if a box
  /// lies outside of its picture, or the picture's size is not that of the file.
  public init(
    contentsOf path: String, of pictures: [String], labelMap: LabelMap = LabelMap(),
    size: (String) -> PixelSize? = { try? Picture.size(ofFile: $0) }
  ) throws {
    self.path = path
    let annotations = try BoxAnnotations(contentsOf: path)
    map = try labelMap.entries(for: annotations.labels)
    let pictures = pictures.withoutRepeats, names = NamedPictures(pictures)
    let found = try names.matches(annotations.pictures, path)
    guard !found.isEmpty else { throw names.noMatch(annotations.pictures, path) }
    var clipped: [BoxAnnotations.Object] = [], bare: [String] = []
    for picture in pictures {
      guard let index = found[picture] else {
        bare.append(picture)
        continue
      }
      let annotated = annotations.pictures[index]
      let kept = annotated.objects.filter { map[$0.label]?.meaning.isEmpty != true }
      if kept.isEmpty { bare.append(picture) }
      guard let size = size(picture) else { continue }
      try Self.check(annotated, is: size, picture)
      objects[picture] = try kept.map { object in
        let edges = object.edges.pixels(of: size)
        guard let box = edges.rectangle(in: size) else {
          throw GradCAMError.boxes(
            at: object.place,
            "the box \(edges.text) of '\(object.label)' lies outside of \(picture), which is \(size) pixels")
        }
        if edges.excess(over: size) > 1 { clipped.append(object) }
        return Object(label: object.label, box: box, place: object.place)
      }
    }
    guard bare.count < pictures.count else {
      throw GradCAMError.boxes(at: path, "holds no box of \(pictures.listed)", "add some, or leave the boxes out")
    }
    if let first = clipped.first {
      let others = clipped.count > 1 ? "and \(clipped.count - 1) more boxes go" : "goes"
      warnings.append(
        Message(
          "\(first.place): the box \(first.edges.text) of '\(first.label)' \(others) beyond the picture's edge; "
            + "only what is inside counts"))
    }
    if !bare.isEmpty {
      let unused = names.similar(to: bare, among: annotations.pictures, found)
      warnings.append(
        Message(
          "\(path): \(bare.count) of \(pictures.count) pictures \(bare.count == 1 ? "has" : "have") no boxes: "
            + bare.listed + (unused.isEmpty ? "" : "; similar names in the file: \(unused.quoted)")))
    }
    let strangers = annotations.pictures.indices.filter { !found.values.contains($0) }
    if !strangers.isEmpty {
      let texts = strangers.map { annotations.pictures[$0].name.text }
      let known = Set(pictures.map { BoxAnnotations.split($0).file })
      // A name that is nearly that of a picture comes first: it may be misspelt.
      let similar =
        texts.count > 1000
        ? []
        : texts.filter { text in
          !nearest(to: BoxAnnotations.split(text).file, among: known, count: 1).isEmpty
        }
      let listed = similar + texts.filter { !similar.contains($0) }
      notes.append(
        Message(
          "\(path): boxes of \(texts.count == 1 ? "a picture" : "\(texts.count) pictures") not given: \(listed.listed)")
      )
    }
  }

  /// The paths, near a file or folder of boxes, of files that name YOLO's classes; they need not exist.
  public static func filesRead(near path: String) -> [String] {
    [path, BoxAnnotations.split(path).folder].flatMap(YOLONames.paths).flatMap { $0 }
  }

  /// The files that are read for the boxes at a path: that file, or those of the folder, and those that name YOLO's
  /// classes, as far as they are there.
  public static func files(at path: String) -> [String] {
    let (markup, texts) = BoxAnnotations.files(in: path), inFolder = markup + texts
    return (inFolder.isEmpty ? [path] : inFolder.map { BoxAnnotations.base(path) + $0 })
      + filesRead(near: path).filter(FileManager.default.fileExists)
  }

  private static func check(_ annotated: BoxAnnotations.Picture, is size: PixelSize, _ picture: String) throws {
    guard let meant = annotated.size, meant != size else { return }
    throw GradCAMError.boxes(
      at: annotated.place, "the boxes are for a picture of \(meant) pixels, but \(picture) is \(size)",
      "give the picture that was annotated, or annotate this one")
  }

  /// The objects in a picture.
  public func objects(in picture: String) -> [Object] { objects[picture] ?? [] }

  /// The boxes of the objects of a class in a picture.
  ///
  /// Throws as `check` does.
  public func boxes(in picture: String, of index: Int, _ labels: Labels, classCount: Int) throws -> [PixelRectangle] {
    try objects(in: picture).filter { try self.index(of: $0, labels, classCount: classCount) == index }.map(\.box)
  }

  /// The classes of the objects in a picture, each once.
  ///
  /// Throws as `check` does.
  public func classes(in picture: String, _ labels: Labels, classCount: Int) throws -> [Int] {
    try objects(in: picture).compactMap { try self.index(of: $0, labels, classCount: classCount) }.withoutRepeats
  }
}

// MARK: Classes

extension ObjectBoxes {
  /// Checks that the labels in the pictures are classes of a model: by number, by name regardless of case, by one of the
  /// synonyms that a name lists, or by the label map.
  ///
  /// - Parameter model: what messages call the model.
  ///
  /// Throws `badData` for a label that is no class or means several, and if all objects are left out; `usage` if the label
  /// map names a class that the model does not have.
  public func check(_ labels: Labels, classCount: Int, of model: String) throws {
    let all = objects.sorted { $0.key < $1.key }.flatMap(\.value)
    for entry in map.sorted(by: { $0.key < $1.key }).map(\.value) {
      try located(model) { _ = try entry.index(labels, classCount: classCount) }
    }
    var seen: Set<String> = [], unknown: [(object: Object, error: GradCAMError)] = [], areAllLeftOut = true
    for object in all where seen.insert(object.label).inserted {
      do {
        if try index(of: object, labels, classCount: classCount) != nil { areAllLeftOut = false }
      } catch let error as GradCAMError {
        unknown.append((object, error))
      }
    }
    if let (_, error) = unknown.first {
      let others = unknown.dropFirst().map(\.object.label)
      let more = others.isEmpty ? "" : "; nor is \(others.listed) a class"
      throw GradCAMError(
        .badData, at: error.place[0], problem: "\(error.problem) of \(model)\(more)", advice: error.advice)
    }
    guard !areAllLeftOut || all.isEmpty else {
      throw GradCAMError.boxes(
        at: path, "all boxes are left out for \(model)", "map one of the labels to a class: \(seen.sorted().listed)")
    }
  }

  /// Checks that the labels are classes of a model that is not planned yet, as `check` does.
  ///
  /// - Parameters:
  ///   - size: the size of the model's input.
  ///   - labels: nil means those that an explainer takes.
  public func check(_ model: Model, size: PixelSize, labels: Labels?) throws {
    let catalogue = try NodeCatalogue(model, size: size)
    guard catalogue.hasClassScores else { return }
    try check(
      labels ?? Labels.known(of: model, catalogue).labels, classCount: catalogue.classCount, of: model.path)
  }

  /// The class of an object; nil if it is left out.
  ///
  /// Throws as `check` does.
  public func index(of object: Object, _ labels: Labels, classCount: Int) throws -> Int? {
    let label = object.label
    if let entry = map[label] { return try entry.index(labels, classCount: classCount) }
    let found = labels.indices(ofWhole: label, classCount: classCount)
    if found.count == 1 { return found[0] }
    if found.isEmpty, let entry = map[LabelMap.others] { return try entry.index(labels, classCount: classCount) }
    let names = labels.names.prefix(classCount), lowered = label.lowercased()
    let parts = names.filter { $0.lowercased().contains(lowered) }
    let near =
      found.isEmpty ? (parts.isEmpty ? nearest(to: label, among: names, count: 4) : Array(parts.prefix(4))) : []
    let form: Message = "\(.labelMap, as: "'\(label)=CLASS'"), or '\(label)=' to leave its boxes out"
    let advice: Message =
      near.isEmpty
      ? "give \(form); classes are numbered 0 to \(classCount - 1)" : "did you mean \(near.quoted)? Give \(form)"
    throw GradCAMError(
      .badData, at: "\(object.place)",
      problem: found.isEmpty
        ? "the label '\(label)' is no class"
        : "the label '\(label)' means the classes \(found.map(String.init).listed)",
      advice: advice)
  }
}
