import Graph

/// A table with a heading: a row for each box.
struct AnnotationTable {
  /// The columns of an object, by position.
  private let picture: Int, label: Int
  /// Left, top, right and bottom; or x, y, width and height.
  private let box: [Int]
  private let hasExtents: Bool
  /// The picture's width and height.
  private let size: [Int]
  private let count: Int
  private let separator: Unicode.Scalar

  static let pictureHeads = [
    "picture", "image", "filename", "file", "file_name", "image_name", "image_path", "path",
  ]
  static let labelHeads = ["label", "class", "name", "class_name", "category"]
  private static let cornerHeads = [
    ["xmin", "ymin", "xmax", "ymax"], ["x_min", "y_min", "x_max", "y_max"], ["left", "top", "right", "bottom"],
    ["x1", "y1", "x2", "y2"],
  ]
  private static let extentHeads = [
    ["x", "y", "width", "height"], ["x", "y", "w", "h"], ["left", "top", "width", "height"],
    ["xmin", "ymin", "width", "height"],
  ]

  /// What separates the cells of a table, by its first line.
  static func separator(of line: String) -> Unicode.Scalar {
    ["\t", ";"].first { line.unicodeScalars.contains($0) } ?? ","
  }

  /// Finds the columns.
  ///
  /// Throws `badData` saying which are missing, or which of several cannot be told from each other.
  init(heading: String) throws {
    separator = Self.separator(of: heading)
    let heads = (CSV.fields(heading, separator: separator) ?? []).map { $0.trimmingSpace.lowercased() }
    func only(_ names: [String], _ what: String) throws -> Int? {
      let found = heads.indices.filter { names.contains(heads[$0]) }
      guard found.count <= 1 else {
        throw GradCAMError(
          .badData, problem: "the columns \(found.map { heads[$0] }.quoted) may all be those of \(what)",
          advice: "rename those that are not")
      }
      return found.first
    }
    func columns(_ sets: [[String]]) -> [Int]? {
      sets.lazy.compactMap { names in
        let found = names.compactMap { heads.firstIndex(of: $0) }
        return found.count == names.count ? found : nil
      }.first
    }
    let picture = try only(Self.pictureHeads, "pictures"), label = try only(Self.labelHeads, "labels")
    let corners = columns(Self.cornerHeads), extents = columns(Self.extentHeads)
    let missing = [
      picture == nil ? "of pictures (\(Self.pictureHeads.prefix(4).joined(separator: ", ")))" : nil,
      label == nil ? "of labels (\(Self.labelHeads.prefix(3).joined(separator: ", ")))" : nil,
      corners == nil && extents == nil
        ? "of boxes (xmin, ymin, xmax, ymax; left, top, right, bottom; or x, y, width, height)" : nil,
    ].compactMap { $0 }
    guard let picture, let label, let box = corners ?? extents else {
      throw GradCAMError(
        .badData, problem: "is no heading with columns \(missing.joined(separator: ", and "))",
        advice: BoxAnnotations.formats)
    }
    guard Set(heads).count == heads.count else {
      throw GradCAMError(.badData, problem: "two columns have the same name", advice: "rename one of them")
    }
    guard corners == nil || !heads.contains("x") else {
      throw GradCAMError(
        .badData, problem: "the columns give boxes twice", advice: "leave one kind out: corners, or x, y, width, height"
      )
    }
    (self.picture, self.label, self.box, hasExtents, count) = (picture, label, box, corners == nil, heads.count)
    size = corners == nil ? [] : columns([["width", "height"]]) ?? []
  }

  /// The picture and the object of a row.
  ///
  /// Throws `badData` naming the place.
  func row(_ line: String, _ place: String) throws -> (BoxAnnotations.Picture, BoxAnnotations.Object?) {
    guard let cells = CSV.fields(line, separator: separator)?.map(\.trimmingSpace), cells.count == count else {
      throw GradCAMError.boxes(at: place, "does not have the \(count) cells of the heading")
    }
    guard let name = PictureName(cells[picture]) else { throw GradCAMError.boxes(at: place, "names no picture") }
    var row = BoxAnnotations.Picture(name: name, place: place)
    if !size.isEmpty, !size.allSatisfy({ cells[$0].isEmpty }) {
      let sides = size.compactMap { Int(cells[$0]) }
      guard sides.count == 2, sides.allSatisfy({ $0 > 0 }) else {
        throw GradCAMError.boxes(at: place, "width and height are no size of a picture")
      }
      row.size = PixelSize(width: sides[0], height: sides[1])
    }
    if ([label] + box).allSatisfy({ cells[$0].isEmpty }) { return (row, nil) }
    guard !cells[label].isEmpty else { throw GradCAMError.boxes(at: place, "has no label") }
    let numbers = try box.map { column in
      guard cells[column].isDecimal, let number = Double(cells[column]) else {
        throw GradCAMError.boxes(at: place, "'\(cells[column])' is not a number")
      }
      return number
    }
    let edges = try located(place) {
      try BoxEdges(
        left: numbers[0], top: numbers[1], right: numbers[2] + (hasExtents ? numbers[0] : 0),
        bottom: numbers[3] + (hasExtents ? numbers[1] : 0))
    }
    return (row, BoxAnnotations.Object(label: cells[label], edges: edges, place: place))
  }
}

extension BoxAnnotations {
  /// Reads a table, separated by commas, semicolons or tabs.
  mutating func readTable(_ text: String, _ path: String) throws {
    var table: AnnotationTable?
    for (number, line) in text.lines.enumerated() where !line.trimmingSpace.isEmpty {
      let place = "\(path): line \(number + 1)"
      if let table {
        let (picture, object) = try table.row(line, place)
        try add(object, to: picture)
      } else {
        table = try located(place) { try AnnotationTable(heading: line) }
      }
    }
  }
}
