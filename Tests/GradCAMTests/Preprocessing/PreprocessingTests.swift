import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct PreprocessingTests {
  @Test func geometryIsTorchvisions() throws {
    let file = URL(filePath: fixture("preprocessing/geometry.json"))
    let rows = try JSONDecoder().decode([[Int]].self, from: Data(contentsOf: file))
    try #require(rows.count > 50)
    for row in rows {
      let input = PixelSize(width: row[3], height: row[3])
      let geometry = try Preprocessing(resize: .shorterSide(row[2]), crop: input).geometry(
        picture: PixelSize(width: row[0], height: row[1]), input: input)
      #expect(geometry.resized == PixelSize(width: row[4], height: row[5]), "\(row)")
      #expect(geometry.crop == PixelRectangle(x: row[6], y: row[7], width: row[3], height: row[3]), "\(row)")
    }
  }

  @Test func tensorIsTorchvisions() throws {
    let truth = try NPYArray(contentsOf: fixture("preprocessing/photograph.npy"))
    let picture = try ImagingFixture.photograph(), size = PixelSize(width: 31, height: 31)
    var preprocessing = Preprocessing(.imagenet, size: size)
    preprocessing.resize = .shorterSide(40)
    let geometry = try preprocessing.geometry(
      picture: PixelSize(width: picture.width, height: picture.height), input: size)
    let tensor = preprocessing.tensor(try geometry.apply(to: picture), for: imageShape())
    #expect(tensor.shape == Shape(truth.shape))
    expectClose(tensor.floats, truth.values)
  }

  private func imageShape(_ layout: ImageShape.Layout = .nchw, batch: Int = 1, channels: Int = 3) -> ImageShape {
    ImageShape(layout: layout, batch: batch, channels: channels, elementType: .float32)
  }

  private let pixels = Picture(width: 2, height: 1, pixels: [0, 51, 102, 255, 204, 153])

  @Test func layoutChannelsRangeAndBatch() {
    var preprocessing = Preprocessing()
    #expect(preprocessing.tensor(pixels, for: imageShape()).floats == [0, 1, 0.2, 0.8, 0.4, 0.6])
    #expect(preprocessing.tensor(pixels, for: imageShape(.nhwc)).floats == [0, 0.2, 0.4, 1, 0.8, 0.6])
    #expect(preprocessing.tensor(pixels, for: imageShape(.nhwc)).shape == [1, 1, 2, 3])
    preprocessing = Preprocessing(mean: [1, 2, 3], std: [1, 2, 4], range: 255, channels: .bgr)
    #expect(preprocessing.tensor(pixels, for: imageShape()).floats == [101, 152, 24.5, 101, -0.75, 63])
    let twice = preprocessing.tensor(pixels, for: imageShape(batch: 2))
    #expect(twice.shape == [2, 3, 1, 2])
    #expect(Array(twice.floats[..<6]) == Array(twice.floats[6...]))
    let grey = Preprocessing(range: 255).tensor(pixels, for: imageShape(channels: 1))
    #expect(grey.floats == [42, 213])
    let bytes = ImageShape(layout: .nchw, batch: 1, channels: 3, elementType: .uint8)
    #expect(Preprocessing(range: 255).tensor(pixels, for: bytes).integers == [0, 255, 51, 204, 102, 153])
  }

  @Test func presetsScaleTheirResizeWithTheInput() {
    let size = PixelSize(width: 224, height: 224)
    #expect(Preprocessing(.imagenet, size: size).resize == .shorterSide(256))
    #expect(Preprocessing(.imagenet, size: PixelSize(width: 299, height: 299)).resize == .shorterSide(342))
    #expect(Preprocessing(.caffe, size: size).channels == .bgr)
    #expect(Preprocessing(.tf, size: size).resize == .exact(size))
    #expect(Preprocessing(.raw, size: size).range == 255)
  }

  @Test func sizesThatDoNotFitAreUsageErrors() {
    let input = PixelSize(width: 32, height: 32), picture = PixelSize(width: 100, height: 80)
    expectError(.usage, at: "crop", saying: "30x30", "32x32") {
      _ = try Preprocessing(crop: PixelSize(width: 30, height: 30)).geometry(picture: picture, input: input)
    }
    expectError(.usage, at: "resize", saying: "38x31") {
      _ = try Preprocessing(resize: .shorterSide(31)).geometry(picture: picture, input: input)
    }
  }
}
