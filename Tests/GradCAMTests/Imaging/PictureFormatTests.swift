import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Formats besides PNG and JPEG, in the files that Fixtures/imaging/make_formats.py wrote.
@Suite struct PictureFormatTests {
  /// The names of the files of which it is known what they hold.
  static let names = (entries(of: fixture("imaging/formats")) ?? []).filter {
    !$0.hasSuffix(".npy") && FileManager.default.fileExists(atPath: path("\($0).npy"))
  }.sorted()

  private static func path(_ name: String) -> String { ImagingFixture.path("formats/\(name)") }

  private func bytes(_ name: String) throws -> [UInt8] { try ImagingFixture.bytes("formats/\(name)") }

  @Test func allFormatsAreThere() {
    let extensions = Set(Self.names.map { String($0[$0.lastIndex(of: ".")!...].dropFirst()) })
    #expect(extensions == ["bmp", "gif", "ppm", "pgm", "pbm", "webp", "tif"])
    #expect(Self.names.count > 55)
  }

  /// Equal sample by sample to what Pillow, or the program that made them, says.
  @Test(arguments: names) func samplesAreThoseOfOtherPrograms(_ name: String) throws {
    let picture = try Picture(contentsOf: Self.path(name)), truth = try ImagingFixture.array("formats/\(name)")
    #expect([picture.height, picture.width, 3] == truth.shape)
    if let deep = picture.deepSamples {
      let isFloat = name.hasPrefix("float") || name == "heights.tif"
      #expect(picture.isFloatingPoint == isFloat)
      #expect(deep == truth.values.map { isFloat ? $0 * 65_535 : $0 })
    } else {
      // Conversions from YCbCr are rounded in different ways.
      let tolerance = name == "ycbcr.tif" ? 1 : 0
      let largest = zip(picture.pixels, truth.values).map { abs(Int($0) - Int($1)) }.max()!
      #expect(largest <= tolerance, "\(name): \(largest)")
    }
  }

  @Test(arguments: names) func sizesAreThoseOfThePictures(_ name: String) throws {
    #expect(try Picture.size(ofFile: Self.path(name)) == Picture(contentsOf: Self.path(name)).size)
  }

  /// A file that is cut short is an error, or, if only what needs not be read is missing, the same picture.
  @Test(arguments: names) func everyCutIsAnErrorOrTheSamePicture(_ name: String) throws {
    let bytes = try bytes(name), whole = try Picture(decoding: bytes)
    let mayDiffer = name.hasSuffix(".ppm") || name.hasSuffix(".pgm")  // The last number may lose digits.
    for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 400)) {
      do {
        let picture = try Picture(decoding: Array(bytes[..<count]))
        #expect(picture == whole || mayDiffer && picture.size == whole.size, "\(name) of \(count) bytes")
      } catch {
        let kind = (error as? GradCAMError)?.kind
        #expect(kind == .badData || kind == .unsupported, "\(error)")
      }
    }
    let half = Array(bytes[..<(bytes.count * 2 / 5)])
    #expect(throws: GradCAMError.self) { _ = try Picture(decoding: half) }
  }

  @Test(arguments: names) func damageIsAnErrorOrAPicture(_ name: String) throws {
    let bytes = try bytes(name)
    var generator = SplitMix64(seed: 11)
    for _ in 0..<150 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        // Heads are where damage does most.
        let place =
          Bool.random(using: &generator)
          ? Int.random(in: 0..<min(64, bytes.count), using: &generator)
          : Int.random(in: 0..<bytes.count, using: &generator)
        damaged[place] = UInt8.random(in: 0...255, using: &generator)
      }
      do {
        guard let size = try? ImageCodec.known(by: damaged).storedSize(damaged), size.width < 4096, size.height < 4096
        else { continue }
        let picture = try Picture(decoding: damaged)
        #expect(picture.pixels.count == 3 * picture.width * picture.height)
      } catch {
        let kind = (error as? GradCAMError)?.kind
        #expect(kind == .badData || kind == .unsupported, "\(error)")
      }
    }
  }

  /// Small files that declare many pixels are refused before memory is taken for them.
  @Test func absurdSizesAreRefused() throws {
    var bmp = try bytes("rgb24.bmp"), runs = try bytes("runs8.bmp"), gif = try bytes("palette.gif")
    bmp.replaceSubrange(18..<26, with: [0, 0, 0, 0x40, 0, 0, 0, 0x40])
    runs.replaceSubrange(18..<26, with: [0, 0x40, 0, 0, 0, 0x40, 0, 0])
    gif.replaceSubrange(6..<10, with: [0xFF, 0xFF, 0xFF, 0xFF])
    let ppm = Array("P6\n99999999 99999999\n65535\n".utf8), pgm = Array("P5 16384 16384 255\n".utf8)
    for (file, words) in [
      (bmp, "too large"), (runs, "unlikely"), (gif, "too large"), (ppm, "too large"), (pgm, "unlikely"),
    ] {
      expectError(.badData, saying: words, "max-pixels") { _ = try Picture(decoding: file) }
    }
    let short = Array("P5 4000 4000 255\nabc".utf8)
    expectError(.badData, saying: "ends too early") { _ = try Picture(decoding: short) }
    var smallest = try bytes("rgb24.bmp")
    smallest.replaceSubrange(22..<26, with: [0, 0, 0, 0x80])
    #expect(throws: GradCAMError.self) { _ = try Picture(decoding: smallest) }
  }

  @Test func whatIsNotReadIsNamed() throws {
    expectError(.unsupported, at: Self.path("signed.tif"), saying: "signed samples of 16 bits", "tensor") {
      _ = try Picture(contentsOf: Self.path("signed.tif"))
    }
    expectError(.badData, at: Self.path("nan.tif"), saying: "NaN") {
      _ = try Picture(contentsOf: Self.path("nan.tif"))
    }
    var bmp = try bytes("rgb24.bmp")
    bmp[30] = 5
    expectError(.unsupported, saying: "compression 5") { _ = try Picture(decoding: bmp) }
    expectError(.unsupported, saying: "no picture of a format that is read", "WebP") {
      _ = try Picture(decoding: Array("BMW has a logo, too, in a text of this length".utf8))
    }
    let missing = ImageCodec.failure(1, "not found", "TIFF", package: "libtiff6", else: ImageCodec.unreadable)
    #expect(missing.kind == .unsupported && missing.description.contains("Debian's package libtiff6"))
  }

  @Test func formatsThatAreOnlyReadAreNotWritten() throws {
    let picture = try Picture(contentsOf: Self.path("rgb.ppm"))
    for name in ["a.tif", "a.webp", "a.bmp"] {
      #expect(Picture.hasKnownExtension(name))
      expectError(.usage, at: name, saying: "read, but not written", ".png") { _ = try picture.encoded(for: name) }
    }
    expectError(.usage, at: "a.xyz", saying: "no picture extension") { _ = try picture.encoded(for: "a.xyz") }
  }

  /// Numbers within 0 … 1 are taken as they are; others are noted, and drawn from the least to the largest.
  @Test func floatingPointNumbers() throws {
    let unit = try Picture(contentsOf: Self.path("float32.tif"))
    let truth = try ImagingFixture.array("formats/float32.tif").values
    #expect(Preprocessing().warnings(about: unit).isEmpty)
    #expect(unit.pixels == truth.map { UInt8(255 * $0 + 0.5) })
    let shape = ImageShape(layout: .nhwc, batch: 1, channels: 3, elementType: .float32)
    expectClose(Preprocessing().tensor(unit, for: shape).floats, truth, within: 1e-6)
    let heights = try Picture(contentsOf: Self.path("heights.tif"))
    let note = try #require(Preprocessing().warnings(about: heights).first)
    #expect(note.code == .pictureBits)
    #expect(note.text.description.contains("1 is full brightness; ") && note.text.description.contains("range '0.000"))
    #expect(heights.pixels.min() == 0 && heights.pixels.max() == 255)
    let turned = heights.oriented(by: .turnedRight)
    #expect(turned.isFloatingPoint && turned.deepSamples?.count == heights.deepSamples?.count)
    #expect(turned.deepSamples?[0] == heights.deepSamples?[3 * heights.width * (heights.height - 1)])
    #expect(try heights.cropped(x: 1, y: 1, width: 3, height: 3).resized(width: 5, height: 4).isFloatingPoint)
  }
}
