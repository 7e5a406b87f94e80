import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct PictureSizeTests {
  @Test func sizesAreThoseOfThePictures() throws {
    let files = [shipped("samples"), fixture("imaging")].flatMap { folder in
      (entries(of: folder) ?? []).filter(Picture.hasKnownExtension).map { "\(folder)/\($0)" }
    }
    #expect(files.count > 40)
    for file in files {
      guard let picture = try? Picture(contentsOf: file) else { continue }
      #expect(try Picture.size(ofFile: file) == PixelSize(width: picture.width, height: picture.height), "\(file)")
    }
  }

  /// What lies before the pixels may be longer than what is read at first, and turn the picture.
  @Test func longHeads() throws {
    let jpeg = [UInt8](try Data(contentsOf: URL(filePath: shipped("samples/pair-002-circle-moon.jpg"))))
    let tall = try Picture(decoding: jpeg).cropped(x: 0, y: 0, width: 40, height: 90).encoded(for: "a.jpg")
    let filler = [UInt8](repeating: 0, count: 60_000)
    let segment: [UInt8] = [0xFF, 0xEF, UInt8((filler.count + 2) >> 8), UInt8((filler.count + 2) & 0xFF)] + filler
    let tiff: [UInt8] =
      Array("MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]
    let exif = Array("Exif\0\0".utf8) + tiff
    let turned: [UInt8] = [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif
    try withTemporaryFolder { folder in
      for (bytes, size) in [
        (segment + segment + segment, PixelSize(width: 40, height: 90)),
        (segment + segment + turned, PixelSize(width: 90, height: 40)), (turned, PixelSize(width: 90, height: 40)),
      ] {
        let whole = Array(tall[..<2]) + bytes + Array(tall[2...])
        try Data(whole).write(to: URL(filePath: folder + "/a.jpg"))
        let picture = try Picture(contentsOf: folder + "/a.jpg")
        #expect(PixelSize(width: picture.width, height: picture.height) == size)
        #expect(try Picture.size(ofFile: folder + "/a.jpg") == size)
      }
      try Data("text".utf8).write(to: URL(filePath: folder + "/a.png"))
      expectError(.unsupported, saying: "a.png") { _ = try Picture.size(ofFile: folder + "/a.png") }
      expectError(.unreadable, saying: "b.png") { _ = try Picture.size(ofFile: folder + "/b.png") }
    }
  }
}
