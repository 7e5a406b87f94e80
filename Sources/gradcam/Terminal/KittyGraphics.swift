#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// kitty's terminal graphics protocol, as https://sw.kovidgoyal.net/kitty/graphics-protocol/ has it.
enum KittyGraphics {
  /// The most bytes of base64 in an escape code.
  private static let chunkSize = 4096

  /// The escape codes that show a picture at the cursor: its data in chunks of at most 4,096 bytes.
  ///
  /// The terminal scales it to a number of columns, leaves the cursor where it is and gives no answer.
  static func codes(png: [UInt8], columns: Int) -> [[UInt8]] {
    let data = Array(Data(png).base64EncodedString().utf8)
    return stride(from: 0, to: data.count, by: chunkSize).map { start in
      let end = min(start + chunkSize, data.count)
      let keys = start == 0 ? "a=T,f=100,c=\(columns),C=1,q=2" : "q=2"
      return Array("\u{1B}_G\(keys),m=\(end < data.count ? 1 : 0);".utf8) + data[start..<end] + Array("\u{1B}\\".utf8)
    }
  }

  /// Asks whether the terminal has the protocol; one that has answers `answer`.
  static let question = "\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\"
  /// What the answer holds.
  static let answer = "Gi=31;OK"
}
