import CPNG
import Graph

/// A text about a picture that is kept in its file, where viewers show it; PNG files have such texts.
public struct PictureText: Sendable, Equatable {
  /// The longest text; longer ones are cut.
  private static let limit = 200

  /// What the text is: `Software`, `Comment` and a few others are defined by PNG.
  public let keyword: String
  /// The text: one line of at most 200 characters.
  public let text: String

  /// Creates a text; control characters become their escapes, and a long text is cut and ends in `…`.
  ///
  /// - Precondition: the keyword consists of 1 to 79 letters, digits and punctuation marks of ASCII.
  public init(_ keyword: String, _ text: String) {
    precondition((1...79).contains(keyword.utf8.count) && keyword.utf8.allSatisfy { (0x21...0x7E).contains($0) })
    self.keyword = keyword
    // A character may consist of any number of scalars.
    let line = text.visible, scalars = line.unicodeScalars
    self.text = scalars.count <= Self.limit ? line : String(scalars.prefix(Self.limit - 1)) + "…"
  }

  /// Passes texts to C: in Latin-1 if that has all of their characters, else in UTF-8.
  static func withC<Result>(_ texts: [PictureText], _ body: ([GradCAMPNGText]) throws -> Result) rethrows -> Result {
    let chunks = texts.map { text in
      let isInternational = text.text.unicodeScalars.contains { $0.value > 0xFF }
      let bytes = isInternational ? Array(text.text.utf8) : text.text.unicodeScalars.map { UInt8($0.value) }
      return GradCAMPNGText(
        keyword: strdup(text.keyword), text: strdup((bytes + [0]).map { CChar(bitPattern: $0) }),
        is_international: isInternational ? 1 : 0)
    }
    defer {
      for chunk in chunks {
        free(UnsafeMutableRawPointer(mutating: chunk.keyword))
        free(UnsafeMutableRawPointer(mutating: chunk.text))
      }
    }
    return try body(chunks)
  }
}
