import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The names of classes that belong to files of YOLO.
struct YOLONames {
  /// The names, by number.
  let names: [String]
  /// The file that they were read from.
  let path: String

  /// The file of names that may lie among the files of boxes.
  static let file = "classes.txt"

  /// The paths at which names are looked for, place after place.
  static func paths(near folder: String) -> [[String]] {
    let folder = folder.isEmpty ? "./" : folder.hasSuffix("/") ? folder : folder + "/"
    return [folder, folder + "../", folder + "../../"].map { place in
      [file, "data.yaml", "data.yml"].map { place + $0 }
    }
  }

  /// Reads `classes.txt` or `data.yaml` in a folder, or else one or two folders above it.
  ///
  /// Nil if there is none. Throws what reading labels throws, and `badData` if both are there and differ.
  init?(near folder: String) throws {
    for paths in Self.paths(near: folder) {
      let files = paths.filter(FileManager.default.fileExists)
      let found = try files.map { try Labels(contentsOf: $0).names }
      guard let names = found.first else { continue }
      guard found.allSatisfy({ $0 == names }) else {
        throw GradCAMError.boxes(at: files[1], "names other classes than \(files[0])", "remove the wrong one")
      }
      (self.names, path) = (names, files[0])
      return
    }
    return nil
  }
}

extension BoxAnnotations {
  /// Whether the first line of a text is of numbers alone.
  static func isYOLO(_ text: String) -> Bool {
    let line = text.lines.first { !$0.trimmingSpace.isEmpty } ?? ""
    return line.split(whereSeparator: \.isWhitespace).allSatisfy { Double($0) != nil }
  }

  /// Reads the file of a picture: a line `CLASS CX CY W H` for each box, in fractions of the picture's size.
  ///
  /// - Parameter file: the file's path from the folder on, which is the picture's but for the extension.
  mutating func readYOLO(_ text: String, _ path: String, named file: String, _ names: YOLONames?) throws {
    guard let name = PictureName(file)?.stem else { throw GradCAMError.boxes(at: path, "has no name") }
    var picture = Picture(name: name, place: path)
    for (number, line) in text.lines.enumerated() where !line.trimmingSpace.isEmpty {
      let place = "\(path): line \(number + 1)"
      let words = line.split(whereSeparator: \.isWhitespace), numbers = words.compactMap { Double($0) }
      guard words.count == 5, numbers.count == 5, let index = Int(words[0]), index >= 0 else {
        throw GradCAMError.boxes(
          at: place, "is not a class's number and the four numbers of a box", "write CLASS CX CY W H, as YOLO does")
      }
      let centre = numbers[1...2], sides = numbers[3...4]
      guard centre.allSatisfy({ (0...1).contains($0) }), sides.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
        throw GradCAMError.boxes(at: place, "has numbers that are not fractions of the picture's size")
      }
      if let names, index >= names.names.count {
        throw GradCAMError.boxes(at: place, "has the class \(index), but \(names.path) names \(names.names.count)")
      }
      let edges = try located(place) {
        try BoxEdges(
          left: numbers[1] - numbers[3] / 2, top: numbers[2] - numbers[4] / 2, right: numbers[1] + numbers[3] / 2,
          bottom: numbers[2] + numbers[4] / 2, isRelative: true)
      }
      picture.objects.append(Object(label: names?.names[index] ?? "\(index)", edges: edges, place: place))
    }
    try add(picture)
  }
}
