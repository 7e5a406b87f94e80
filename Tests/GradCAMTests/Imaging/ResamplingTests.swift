import TestSupport
import Testing

@testable import GradCAM

@Suite struct ResamplingTests {
  static let sizes = [(24, 24), (90, 70), (61, 20), (20, 47), (1, 1), (5, 90), (60, 46), (122, 94), (30, 23)]

  @Test(arguments: sizes)
  func pictureEqualsPillow(width: Int, height: Int) throws {
    let resized = try ImagingFixture.photograph().resized(width: width, height: height)
    #expect(try maximumDifference(resized, ImagingFixture.picture("pillow-\(width)x\(height)")) == 0)
  }

  @Test(arguments: [Interpolation.nearest, .box, .hamming, .bicubic, .lanczos], [(24, 17), (20, 90)])
  func everyFilterEqualsPillows(_ interpolation: Interpolation, size: (Int, Int)) throws {
    let resized = try ImagingFixture.photograph().resized(
      width: size.0, height: size.1, filter: .pillow(interpolation))
    let truth = try ImagingFixture.picture("pillow-\(interpolation.rawValue)-\(size.0)x\(size.1)")
    #expect(maximumDifference(resized, truth) == 0)
  }

  @Test(arguments: sizes)
  func pictureEqualsOpenCV(width: Int, height: Int) throws {
    let resized = try ImagingFixture.photograph().resized(width: width, height: height, filter: .openCVBilinear)
    #expect(try maximumDifference(resized, ImagingFixture.picture("opencv-\(width)x\(height)")) == 0)
  }

  @Test func halvedPictureEqualsOpenCV() throws {
    let even = try ImagingFixture.photograph().cropped(x: 0, y: 0, width: 60, height: 46)
    let resized = try even.resized(width: 30, height: 23, filter: .openCVBilinear)
    #expect(try maximumDifference(resized, ImagingFixture.picture("opencv-half")) == 0)
  }

  /// From 8 pixels to 2, Pillow's triangles weigh six of them as 5, 7, 7, 5, 3 and 1, mirrored for the second, while
  /// OpenCV takes the mean of the middle two of each four.
  @Test func pillowAveragesAndOpenCVTakesNeighbours() throws {
    let picture = Picture(width: 8, height: 1, pixels: [252, 84, 0, 0, 0, 0, 0, 0].flatMap { [$0, $0, $0] })
    #expect(try picture.resized(width: 2, height: 1, filter: .pillow(.bilinear)).pixels == [66, 66, 66, 0, 0, 0])
    #expect(try picture.resized(width: 2, height: 1, filter: .openCVBilinear).pixels == [42, 42, 42, 0, 0, 0])
  }

  @Test(arguments: [(61, 47), (9, 7), (5, 4), (1, 1), (33, 3), (224, 40)])
  func mapEqualsOpenCV(width: Int, height: Int) throws {
    let resized = try ImagingFixture.map("map").resized(width: width, height: height)
    expectClose(resized, try ImagingFixture.map("map-\(width)x\(height)"))
  }

  @Test func cropTakesThePartAndPadsWithBlack() throws {
    let picture = Picture(width: 2, height: 2, pixels: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    #expect(try picture.cropped(x: 1, y: 1, width: 1, height: 1).pixels == [10, 11, 12])
    let padded = try picture.cropped(x: -1, y: 1, width: 4, height: 2)
    #expect(padded.pixels == [0, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0, 0] + Array(repeating: 0, count: 12))
    #expect(try picture.cropped(x: .max, y: .min, width: 1, height: 1).pixels == [0, 0, 0])
  }

  @Test(arguments: [(0, 1), (-3, 5), (100_000, 100_000), (Int.max, 2)])
  func impossibleSizesAreRefused(width: Int, height: Int) throws {
    let picture = try ImagingFixture.photograph()
    expectError(.usage, saying: "\(width) x \(height)") { _ = try picture.resized(width: width, height: height) }
    expectError(.usage, saying: "\(width) x \(height)") {
      _ = try picture.cropped(x: 0, y: 0, width: width, height: height)
    }
  }
}
