/// Where a map has its evidence: its means over the cells of a grid, as a vector of length 1.
///
/// The grid lies over the part of the network's input that shows the picture, so that pictures of any size, and padded
/// ones, have cells in common; how strong the evidence is does not count.
public struct CoarseMap: Sendable, Hashable {
  /// The number of the grid's rows, and of its columns.
  public static let side = 20
  /// The cells row by row, none below 0.
  public let values: [Float]

  /// The map of a picture, reduced; nil if it shows nothing, or is not finite.
  ///
  /// 0 stands for nothing, or ½ if the map is signed; then what speaks for the target counts.
  public init?(_ map: HeatMap) {
    let cells = (map.isSigned ? map.mapped { $0 - 0.5 } : map).rectified()
      .resizedAsPillow(width: Self.side, height: Self.side, .box).values
    let length = cells.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard length > 0, length.isFinite else { return nil }
    values = cells.map { Float(Double($0) / length) }
  }

  /// The cells as a map whose largest value is 1.
  public var map: HeatMap { Self.map(of: values) }

  static func map(of cells: [Float]) -> HeatMap {
    let largest = cells.max()!
    return HeatMap(width: side, height: side, values: cells.map { largest > 0 ? $0 / largest : 0 })
  }
}

extension Explanation {
  /// Where the map, as it is drawn, has its evidence; nil if it is empty, or not of a picture.
  public func coarseMap() -> CoarseMap? { inputSize.rank == 2 ? CoarseMap(contentMap()) : nil }
}
