import TestSupport
import Testing

@testable import GradCAM

/// Pictures of 16-bit samples keep their bits.
@Suite struct DeepSamplesTests {
  @Test(arguments: ["twelve-bit", "deep"])
  func samplesAreTheFiles(_ name: String) throws {
    let picture = try Picture(contentsOf: ImagingFixture.path("\(name).png"))
    #expect(picture.deepSamples == (try ImagingFixture.array("\(name)-samples").values))
    // Drawn by the eight highest bits that are used.
    let shift: UInt16 = name == "deep" ? 8 : 4
    #expect(picture.pixels == picture.deepSamples!.map { UInt8(UInt16($0) >> shift) })
  }

  @Test(arguments: ["twelve-bit", "deep"], [Interpolation.bilinear, .bicubic, .nearest])
  func resizingEqualsPillowsImagesOfFloats(_ name: String, _ interpolation: Interpolation) throws {
    let picture = try Picture(contentsOf: ImagingFixture.path("\(name).png"))
    let resized = try picture.resized(width: 7, height: 16, filter: .pillow(interpolation))
    let truth = try ImagingFixture.array("\(name)-\(interpolation.rawValue)-7x16").values
    expectClose(try #require(resized.deepSamples), truth, within: 1e-6)
  }

  @Test func cropKeepsThem() throws {
    let picture = try Picture(contentsOf: ImagingFixture.path("deep.png"))
    let part = try picture.cropped(x: 12, y: 10, width: 2, height: 1)
    #expect(part.deepSamples == picture.deepSamples!.suffix(3) + [0, 0, 0])
  }

  @Test func tensorsUseAllBits() throws {
    let picture = try Picture(contentsOf: ImagingFixture.path("twelve-bit.png"))
    let shape = ImageShape(layout: .nchw, batch: 1, channels: 1, elementType: .float32)
    let samples = stride(from: 0, to: picture.deepSamples!.count, by: 3).map { picture.deepSamples![$0] }
    #expect(Preprocessing().tensor(picture, for: shape).floats == samples.map { $0 / 65_535 })
    #expect(Preprocessing(range: 65_535).tensor(picture, for: shape).floats == samples)
    let deep = try Picture(contentsOf: ImagingFixture.path("deep.png"))
    let colours = ImageShape(layout: .nhwc, batch: 1, channels: 3, elementType: .float32)
    let all = Preprocessing(range: 65_535, channels: .bgr).tensor(deep, for: colours).floats
    #expect(Array(all[0..<3]) == deep.deepSamples![0..<3].reversed())
  }

  @Test func aPictureOfFewBitsIsNoted() throws {
    let few = try Picture(contentsOf: ImagingFixture.path("twelve-bit.png"))
    let all = try Picture(contentsOf: ImagingFixture.path("deep.png"))
    let eight = try ImagingFixture.photograph()
    let notes = Preprocessing().warnings(about: few)
    #expect(notes.map(\.code) == [.pictureBits])
    #expect(notes[0].text.description.contains("range '16.0037'"))
    #expect(Preprocessing().warnings(about: all).isEmpty && Preprocessing().warnings(about: eight).isEmpty)
    #expect(Preprocessing(range: 16.0037).warnings(about: few).isEmpty)
  }
}
