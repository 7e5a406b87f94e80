import CJPEG
import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct PictureDecodingTests {
  @Test(arguments: [
    "gray1", "gray2", "gray4", "gray8", "gray16", "gray-alpha8", "gray-alpha16", "gray-transparent", "palette1",
    "palette2", "palette4", "palette8", "palette-transparent", "palette-interlaced", "rgb8", "rgb16", "rgb-alpha8",
    "rgb-alpha16", "rgb-interlaced",
  ])
  func pngEqualsPillow(name: String) throws {
    let decoded = try Picture(contentsOf: ImagingFixture.path("\(name).png"))
    #expect(try maximumDifference(decoded, ImagingFixture.picture("\(name).png")) == 0)
  }

  @Test(arguments: [
    "gray", "rgb-444", "rgb-422", "rgb-420", "progressive", "restarts", "cmyk", "cmyk-without-adobe", "ycck",
  ])
  func jpegEqualsPillow(name: String) throws {
    let decoded = try Picture(contentsOf: ImagingFixture.path("\(name).jpg"))
    #expect(try maximumDifference(decoded, ImagingFixture.picture("\(name).jpg")) == 0)
  }

  @Test(arguments: ["1", "2", "3", "4", "5", "6", "7", "8", "6-little-endian"])
  func exifOrientationIsHonoured(orientation: String) throws {
    let decoded = try Picture(contentsOf: ImagingFixture.path("orientation\(orientation).jpg"))
    #expect(try maximumDifference(decoded, ImagingFixture.picture("orientation\(orientation).jpg")) == 0)
  }

  @Test func largePicturesAreTurnedAcrossTiles() {
    let (width, height) = (70, 45)
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width { pixels += [UInt8(x), UInt8(y), 0] }
    }
    let turned = Picture(width: width, height: height, pixels: pixels).oriented(by: .turnedRight)
    #expect((turned.width, turned.height) == (height, width))
    for y in 0..<width {
      for x in 0..<height {
        let start = 3 * (y * height + x)
        #expect(turned.pixels[start] == UInt8(y))
        #expect(turned.pixels[start + 1] == UInt8(height - 1 - x))
      }
    }
  }

  @Test func formatIsRecognisedByContent() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/picture.png"
      try writeAtomically(ImagingFixture.bytes("rgb-444.jpg"), to: path)
      #expect(try Picture(contentsOf: path) == ImagingFixture.picture("rgb-444.jpg"))
    }
  }

  @Test(arguments: ["rgb8.png", "rgb-interlaced.png", "palette4.png", "rgb-420.jpg", "progressive.jpg", "cmyk.jpg"])
  func everyCutIsAnError(name: String) throws {
    let bytes = try ImagingFixture.bytes(name)
    let (format, signatureCount) = name.hasSuffix(".png") ? ("PNG", 8) : ("JPEG", 3)
    // The last two bytes of a JPEG mark its end; the picture before them is whole.
    for count in 0..<bytes.count - 2 {
      let isUnknown = (1..<signatureCount).contains(count)
      let words = count == 0 ? "empty" : isUnknown ? "no picture of a format" : "\(format) file ("
      expectError(isUnknown ? .unsupported : .badData, saying: words) {
        _ = try Picture(decoding: Array(bytes[..<count]))
      }
    }
  }

  @Test(arguments: ["rgb8.png", "palette-interlaced.png", "rgb-420.jpg", "progressive.jpg", "orientation6.jpg"])
  func damageIsAnErrorOrAPicture(name: String) throws {
    let bytes = try ImagingFixture.bytes(name)
    var generator = SplitMix64(seed: 7)
    for _ in 0..<1000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        damaged[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      do {
        let picture = try Picture(decoding: damaged)
        #expect(picture.pixels.count == 3 * picture.width * picture.height)
      } catch {
        let kind = (error as? GradCAMError)?.kind
        #expect(kind == .badData || kind == .unsupported, "\(error)")
      }
    }
  }

  @Test(arguments: ["huge.png", "huge.jpg"])
  func absurdDimensionsAreRefused(name: String) {
    let path = ImagingFixture.path(name)
    expectError(.badData, at: path, saying: "too large", "268435456") { _ = try Picture(contentsOf: path) }
  }

  @Test func largePictureWithoutDataIsRefused() {
    let path = ImagingFixture.path("short.jpg")
    expectError(.badData, at: path, saying: "in a file of 932 bytes is unlikely") { _ = try Picture(contentsOf: path) }
  }

  @Test func endlessProgressiveFileIsRefused() throws {
    let bytes = try ImagingFixture.bytes("progressive.jpg")
    let scans = try #require(bytes.indices.dropLast().last { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA })
    let last = bytes[scans..<bytes.count - 2]
    let many = bytes.dropLast(2) + Array(repeating: last, count: 600).joined() + [0xFF, 0xD9]
    expectError(.badData, saying: "500 scans") { _ = try Picture(decoding: Array(many)) }
  }

  /// Only a header of 16,384 × 16,384 pixels, and three scans without data.
  private static let emptyScans: [UInt8] = {
    let table: [UInt8] = [0xFF, 0xDB, 0, 67, 0] + Array(repeating: 1, count: 64)
    let frame: [UInt8] = [0xFF, 0xC2, 0, 17, 8, 0x40, 0, 0x40, 0, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]
    let codes: [UInt8] = [0xFF, 0xC4, 0, 20, 0, 1] + Array(repeating: 0, count: 16)
    let scan: [UInt8] = [0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0x01]
    let refinement: [UInt8] = [0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0x10]
    return [0xFF, 0xD8] + table + frame + codes + scan + refinement + [0xFF, 0xD9]
  }()

  private static func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    let body = Array(kind.utf8) + data
    return number(data.count) + body + number(CRC32.checksum(of: body))
  }

  private static func header(width: Int, height: Int, depth: UInt8) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", number(width) + number(height) + [depth, 0, 0, 0, 0])
  }

  @Test(arguments: [
    emptyScans, header(width: 16384, height: 16384, depth: 1) + chunk("IDAT", [0x78]),
    header(width: 8192, height: 8192, depth: 16) + chunk("IDAT", [0x78]),
  ])
  func smallFilesOfManyPixelsAreUnlikely(_ bytes: [UInt8]) {
    expectError(.badData, saying: "in a file of \(bytes.count) bytes is unlikely", "max-pixels") {
      _ = try Picture(decoding: bytes)
    }
  }

  /// A file that cannot hold the pixels that it declares is refused before any work.
  @Test func filesTooShortForTheirSizeAreRefused() throws {
    var jpeg = Self.emptyScans
    let size = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC2 }) + 5
    jpeg.replaceSubrange(size..<size + 4, with: [0x1F, 0xFF, 0x1F, 0xFF])
    let clock = ContinuousClock(), start = clock.now
    expectError(.badData, saying: "too short for the size") { _ = try Picture(decoding: jpeg) }
    let png = Self.header(width: 8000, height: 8000, depth: 8) + Self.chunk("IDAT", [0x78])
    expectError(.badData, saying: "too short for the size") { _ = try Picture(decoding: png) }
    #expect(start.duration(to: clock.now) < .seconds(1))
  }

  /// Scans over many pixels are refused, however the file is padded.
  @Test func scansTimesPixelsAreBounded() throws {
    var jpeg = Self.emptyScans + Array(repeating: 0, count: 1000)
    let size = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC2 }) + 5
    jpeg.replaceSubrange(size..<size + 4, with: [1, 0, 1, 0])
    var message = [CChar](repeating: 0, count: 256), rgb = [UInt8](repeating: 0, count: 3 << 16)
    #expect(gradcam_jpeg_decode(jpeg, jpeg.count, &rgb, 256, 256, 2 << 16, &message) == 0)
    #expect(gradcam_jpeg_decode(jpeg, jpeg.count, &rgb, 256, 256, (2 << 16) - 1, &message) == -1)
    let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    #expect(String(decoding: text, as: UTF8.self) == "more scans than a picture of its size has")
  }

  /// Texts and profiles inflate to any size, and are not drawn.
  @Test func compressedTextsAreSkipped() throws {
    let bytes = try ImagingFixture.bytes("rgb8.png"), end = 8 + 25
    let text = Array("Comment\0\0".utf8) + [0x78, 0x9C, 0, 0, 0, 0, 1, 2, 3]
    let kinds = ["zTXt", "iCCP", "tEXt", "iTXt", "sPLT"]
    let more = kinds.flatMap { kind in (0..<200).flatMap { _ in Self.chunk(kind, text) } }
    let picture = try Picture(decoding: Array(bytes[..<end]) + more + bytes[end...])
    #expect(try picture == ImagingFixture.picture("rgb8.png"))
  }

  @Test func otherFilesAreRefused() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/picture.jpg"
      try writeAtomically([], to: path)
      expectError(.badData, at: path, saying: "empty") { _ = try Picture(contentsOf: path) }
      try writeAtomically(Array("GIF90a".utf8), to: path)
      expectError(.unsupported, at: path, saying: "no picture of a format") { _ = try Picture(contentsOf: path) }
      expectError(.unreadable, at: folder, saying: "is a folder") { _ = try Picture(contentsOf: folder) }
      let absent = folder + "/absent.png"
      expectError(.unreadable, at: absent, saying: "No such file") { _ = try Picture(contentsOf: absent) }
      let pipe = folder + "/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      expectError(.unreadable, at: pipe, saying: "not a regular file") { _ = try Picture(contentsOf: pipe) }
    }
  }
}
