import TestSupport
import Testing

@testable import GradCAM

/// The files that Fixtures/imaging/make.py wrote.
enum ImagingFixture {
  static func path(_ name: String) -> String { fixture("imaging/\(name)") }

  static func array(_ name: String) throws -> NPYArray { try NPYArray(contentsOf: path("\(name).npy")) }

  static func picture(_ name: String) throws -> Picture {
    let array = try array(name)
    try #require(array.shape.count == 3 && array.shape[2] == 3)
    return Picture(width: array.shape[1], height: array.shape[0], pixels: array.values.map { UInt8($0) })
  }

  static func map(_ name: String) throws -> HeatMap {
    let array = try array(name)
    try #require(array.shape.count == 2)
    return HeatMap(width: array.shape[1], height: array.shape[0], values: array.values)
  }

  static func photograph() throws -> Picture { try Picture(contentsOf: path("photograph.png")) }

  static func bytes(_ name: String) throws -> [UInt8] { try contentsOfFile(at: path(name)) }
}

/// The largest difference of two samples; 256 where the sizes differ.
func maximumDifference(_ left: Picture, _ right: Picture) -> Int {
  guard (left.width, left.height) == (right.width, right.height) else { return 256 }
  return zip(left.pixels, right.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

/// Expects that a map has the true one's size and values, give or take a tolerance.
func expectClose(
  _ found: HeatMap, _ truth: HeatMap, within tolerance: Double = 1e-5,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect((found.width, found.height) == (truth.width, truth.height), sourceLocation: sourceLocation)
  expectClose(found.values, truth.values, within: tolerance, sourceLocation: sourceLocation)
}
