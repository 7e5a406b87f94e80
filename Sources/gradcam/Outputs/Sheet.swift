import GradCAM
import Graph

/// One picture of the maps of all images, classes, nodes and methods, each labelled with what it differs in.
///
/// If they differ in several things, the first of these, and further ones if a row would be too long, are those of rows.
struct Sheet {
  private let title: String
  private let counts: ResultCounts
  private var maps: [Map] = []

  private struct Map {
    let row, column: [String]
    /// The image alone, with what the row is about.
    let header: PictureGrid.Cell
    let cell: PictureGrid.Cell
  }

  /// What maps may differ in, in the order in which they come.
  private static let order: [NameField] = [.image, .class, .node, .method]
  /// A row has at most about as many maps.
  private static let longestRow = 12

  init(title: String, _ counts: ResultCounts) { (self.title, self.counts) = (title, counts) }

  private var varying: [NameField] { Self.order.filter { counts[$0] > 1 } }

  /// What rows are about; none if the maps differ in one thing at most, and images are not that.
  private var rowFields: [NameField] {
    var fields = varying == [.image] ? [.image] : varying.count > 1 ? [varying[0]] : []
    while fields.count < varying.count - 1, columnFields(fields).map({ counts[$0] }).reduce(1, *) > Self.longestRow {
      fields.append(varying[fields.count])
    }
    return fields
  }

  private func columnFields(_ rows: [NameField]) -> [NameField] { varying.filter { !rows.contains($0) } }

  /// Adds a map.
  ///
  /// - Parameters:
  ///   - image: the number of the image.
  ///   - target: the number of the class among those of the image.
  ///   - picture: the image without its map, or what stands for it.
  ///   - drawn: the map over it.
  mutating func add(
    _ explanation: Explanation, _ names: ResultNames, image: Int, target: Int, picture: Picture, drawn: Picture
  ) throws {
    func keys(_ fields: [NameField]) -> [String] {
      fields.map { $0 == .image ? "\(image)" : $0 == .class ? "\(target)" : names[$0] }
    }
    func line(_ field: NameField) -> PictureGrid.Line {
      switch field {
      case .class:
        let probability = (explanation.scored?.shownProbability).map { percent($0) + " " } ?? ""
        return .text(probability + names[.class])
      case .method: return .text(names[.method])
      case .image, .node, .model: return .name(names[field])
      }
    }
    let rows = rowFields, columns = columnFields(rows)
    let headerLines = (rows.isEmpty ? [.image] : rows).map(line)
    let about = columns + (rows.contains(.class) || columns.contains(.class) ? [] : [.class])
    let lines = Self.order.filter { about.contains($0) }.map(line)
    maps.append(
      Map(
        row: keys(rows), column: keys(columns), header: try PictureGrid.Cell(picture, lines: headerLines),
        cell: try PictureGrid.Cell(drawn, lines: lines)))
  }

  /// The sheet; a place without a map, since the method does not support the node, stays empty.
  ///
  /// Throws what resizing throws.
  func grid() throws -> PictureGrid {
    guard !rowFields.isEmpty, varying != [.image] else {
      var cells: [PictureGrid.Cell] = [], row: [String]?
      for map in maps {
        if map.row != row { cells.append(map.header) }
        row = map.row
        cells.append(map.cell)
      }
      let pairs = max(1, Int((Double(maps.count) * 0.8).squareRoot().rounded(.up)))
      return PictureGrid(title: title, cells: cells, columns: varying == [.image] ? 2 * pairs : nil)
    }
    let columns = maps.map(\.column).withoutRepeats
    let blank = try PictureGrid.Cell(Picture(width: 1, height: 1, pixels: [255, 255, 255]), lines: [])
    let cells = maps.map(\.row).withoutRepeats.flatMap { row in
      let own = maps.filter { $0.row == row }
      return [own[0].header] + columns.map { column in own.first { $0.column == column }?.cell ?? blank }
    }
    return PictureGrid(title: title, cells: cells, columns: 1 + columns.count)
  }
}
