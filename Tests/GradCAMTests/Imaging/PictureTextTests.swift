import Foundation
import TestSupport
import Testing

@testable import GradCAM

@Suite struct PictureTextTests {
  private let picture = Picture(width: 2, height: 1, pixels: [1, 2, 3, 4, 5, 6])

  /// The chunks of a PNG file: type and content.
  static func chunks(_ png: [UInt8]) -> [(type: String, bytes: [UInt8])] {
    var chunks: [(String, [UInt8])] = [], position = 8
    while position + 12 <= png.count {
      let length = png[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      chunks.append(
        (
          String(decoding: png[position + 4..<position + 8], as: UTF8.self),
          Array(png[(position + 8)...].prefix(length))
        ))
      position += 12 + length
    }
    return chunks
  }

  @Test func textsStandBeforeThePixels() throws {
    let texts = [PictureText("Software", "gradcam"), PictureText("a:b", "Köln"), PictureText("c", "猫 → 3")]
    let bytes = try picture.encoded(for: "a.png", texts: texts), chunks = Self.chunks(bytes)
    #expect(chunks.map(\.type) == ["IHDR", "tEXt", "tEXt", "iTXt", "IDAT", "IEND"])
    #expect(chunks[1].bytes == Array("Software\0gradcam".utf8))
    // Latin-1, and UTF-8 after the flags and names of the language, which are empty.
    #expect(chunks[2].bytes == Array("a:b\0K".utf8) + [0xF6] + Array("ln".utf8))
    #expect(chunks[3].bytes == Array("c\0\0\0\0\0猫 → 3".utf8))
    #expect(try Picture(decoding: bytes) == picture)
    #expect(try picture.encoded(for: "a.png", texts: texts) == bytes)
  }

  @Test func withoutTextsThereAreNone() throws {
    #expect(Self.chunks(try picture.encoded(for: "a.png")).map(\.type) == ["IHDR", "IDAT", "IEND"])
    let jpeg = try picture.encoded(for: "a.jpg")
    #expect(try picture.encoded(for: "a.jpg", texts: [PictureText("Software", "gradcam")]) == jpeg)
  }

  /// Names come from files of any origin: a text is one short line, whatever they hold.
  @Test func namesOfAnyKind() throws {
    let text = PictureText("node", "a\nb\u{0}\u{9B}c\u{202E}").text
    #expect(text == #"a\nb\x00\x9bc\u{202e}"#)
    let long = PictureText("node", String(repeating: "e\u{301}", count: 5000))
    #expect(long.text.unicodeScalars.count == 200 && long.text.hasSuffix("…"))
    let many = (0..<16).map { PictureText("k\($0)", "\($0)") }
    #expect(Self.chunks(try picture.encoded(for: "a.png", texts: many)).count { $0.type == "tEXt" } == 16)
  }
}
