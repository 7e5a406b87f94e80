import Foundation
import Graph
import Testing

@testable import GradCAM

/// The files that Fixtures/imaging/make.py wrote.
enum ImagingFixture {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/imaging/\(name)").path
  }

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

/// The largest difference of two values; infinite where the sizes differ or a value is no number.
func maximumDifference(_ left: HeatMap, _ right: HeatMap) -> Float {
  guard (left.width, left.height) == (right.width, right.height) else { return .infinity }
  let differences = zip(left.values, right.values).map { abs($0 - $1) }
  return differences.contains(where: \.isNaN) ? .infinity : differences.max() ?? 0
}

/// A new folder, removed after the body.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gradcam-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

/// The names in a folder, hidden ones too; nil where it cannot be read.
func entries(of folder: String) -> [String]? { try? FileManager.default.contentsOfDirectory(atPath: folder) }

/// Expects an error of a kind whose one line names the place and contains every one of `words`.
func expectError(
  _ kind: GradCAMError.Kind, at place: String? = nil, saying words: String...,
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  let error = #expect(throws: GradCAMError.self, sourceLocation: sourceLocation, performing: body)
  guard let error else { return }
  #expect(error.kind == kind, sourceLocation: sourceLocation)
  if let place { #expect(error.place.first?.description == place, sourceLocation: sourceLocation) }
  for word in words {
    #expect(error.description.contains(word), "\(error.description)", sourceLocation: sourceLocation)
  }
}
