#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// iTerm2's inline images, as https://iterm2.com/documentation-images.html has them.
enum ITermImage {
  /// The escape code that shows a picture at the cursor, scaled to a number of columns.
  static func code(png: [UInt8], columns: Int) -> [UInt8] {
    let keys = "inline=1;size=\(png.count);width=\(columns);height=auto;preserveAspectRatio=1"
    return Array("\u{1B}]1337;File=\(keys):".utf8) + Array(Data(png).base64EncodedString().utf8) + [0x07]
  }
}
