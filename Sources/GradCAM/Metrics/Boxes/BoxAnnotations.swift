import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The boxes of objects in pictures, as a file or a folder of files of any known format gives them.
struct BoxAnnotations {
  /// An object in a picture.
  struct Object {
    /// The name of its class, or the number.
    let label: String
    let edges: BoxEdges
    /// Where it stands, as messages say it.
    let place: String
  }

  /// A picture with its objects.
  struct Picture: PictureEntry {
    let name: PictureName
    /// Where it stands, as messages say it.
    let place: String
    /// The size that it had when it was annotated, if that is given.
    var size: PixelSize?
    var objects: [Object] = []
  }

  /// Each of another name.
  private(set) var pictures: [Picture] = []
  private var places: [PictureName: Int] = [:]

  /// Reads a file, whose format its content tells, or a folder of YOLO's or Pascal VOC's files.
  ///
  /// Throws `unreadable`, or `badData` naming the file and the place in it.
  init(contentsOf path: String) throws {
    if (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil {
      try readFolder(path)
    } else {
      try readFile(path)
    }
  }

  /// All labels.
  var labels: Set<String> { Set(pictures.lazy.flatMap(\.objects).map(\.label)) }

  /// Adds a picture.
  ///
  /// Throws `badData` if there is one of the same name already.
  mutating func add(_ picture: Picture) throws {
    if let other = places[picture.name] {
      throw GradCAMError(
        .badData, at: picture.place, problem: "the picture '\(picture.name.text)' occurs twice",
        advice: "it is at \(pictures[other].place), too")
    }
    places[picture.name] = pictures.count
    pictures.append(picture)
  }

  /// Adds a row of a table, several of which may be about the same picture.
  ///
  /// - Parameter object: nil for a row that only says that the picture is one of the file's.
  ///
  /// Throws `badData` if another row gives the picture another size.
  mutating func add(_ object: Object?, to picture: Picture) throws {
    let index = places[picture.name] ?? pictures.count
    if index == pictures.count { try add(picture) }
    guard pictures[index].size == picture.size else {
      throw GradCAMError(
        .badData, at: picture.place, problem: "the size of '\(picture.name.text)' is another than before",
        advice: "it was given at \(pictures[index].place)")
    }
    if let object { pictures[index].objects.append(object) }
  }

  private mutating func readFile(_ path: String) throws {
    let text = try Self.text(of: path)
    switch text.first(where: { !$0.isWhitespace }) {
    case nil: throw GradCAMError(.badData, at: path, problem: "is empty", advice: Self.formats)
    case "{": try readJSON(text, path)
    case "<": try readPascalVOC(text, path)
    case "[":
      throw GradCAMError(
        .badData, at: path, problem: "is a JSON list, which does not name the pictures", advice: Self.formats)
    default:
      if Self.isYOLO(text) {
        let (folder, file) = Self.split(path)
        try readYOLO(text, path, named: file, try YOLONames(near: folder))
      } else {
        try readTable(text, path)
      }
    }
  }

  private mutating func readFolder(_ folder: String) throws {
    let (markup, texts) = Self.files(in: folder)
    guard markup.isEmpty || texts.isEmpty else {
      throw GradCAMError(
        .badData, at: folder, problem: "holds files of Pascal VOC (\(markup[0])) and texts (\(texts[0]))",
        advice: "give a folder with boxes of one format")
    }
    guard !markup.isEmpty || !texts.isEmpty else {
      throw GradCAMError(
        .badData, at: folder, problem: "holds no .txt files of YOLO and no .xml files of Pascal VOC",
        advice: "give such a folder, or a file of boxes")
    }
    let base = Self.base(folder)
    for file in markup {
      try readPascalVOC(try Self.text(of: base + file), base + file, in: Self.split(file).folder)
    }
    let names = texts.isEmpty ? nil : try YOLONames(near: folder)
    for file in texts { try readYOLO(try Self.text(of: base + file), base + file, named: file, names) }
  }

  /// The files of boxes in a folder, by their paths from it: those of Pascal VOC, and texts.
  static func files(in folder: String) -> (markup: [String], texts: [String]) {
    let all = ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).sorted()
    let files = all.filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
    return (
      files.filter { $0.lowercased().hasSuffix(".xml") },
      files.filter { $0.lowercased().hasSuffix(".txt") && split($0).file != YOLONames.file }
    )
  }

  /// A folder's path, with a slash at its end.
  static func base(_ folder: String) -> String { folder.hasSuffix("/") ? folder : folder + "/" }

  /// A file's folder, with a slash at its end unless it is empty, and its name in it.
  static func split(_ path: String) -> (folder: String, file: String) {
    let start = path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
    return (String(path[..<start]), String(path[start...]))
  }

  private static func text(of path: String) throws -> String { try textOfFile(at: path, advice: formats) }

  static let formats =
    #"give {"PICTURE": [{"label": "NAME", "box": [left, top, right, bottom]}]}, COCO, Pascal VOC, YOLO, or a table with "#
    + "a heading such as picture,label,left,top,right,bottom"
}

extension GradCAMError {
  /// The error of boxes at a place.
  static func boxes(at place: String, _ problem: String, _ advice: String? = nil) -> GradCAMError {
    GradCAMError(.badData, at: place, problem: problem, advice: advice)
  }
}
