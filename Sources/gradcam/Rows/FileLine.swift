import GradCAM
import Graph

/// A piece of a file that ends with a line, or at the end of the file.
struct FileLine {
  /// Without its line end.
  let bytes: ArraySlice<UInt8>
  /// The byte offset at which it begins.
  let start: Int
  /// Whether it has a line end.
  let isComplete: Bool

  /// A line has at most so many bytes.
  static let longest = 1 << 26

  /// Reads the lines of an open file from a byte offset on, a piece of the file at a time.
  ///
  /// - Returns: 0, or the system's error code if the file cannot be read.
  ///
  /// Throws what `body` throws, and `tooLong` for a line of more than `longest` bytes.
  static func forEach(
    in file: Int32, from offset: Int = 0, _ body: (FileLine) throws -> Void, tooLong: () -> GradCAMError
  ) throws -> Int32 {
    var position = offset, start = offset, pending: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = piece.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, position) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return errno }
      guard count > 0 else { break }
      position += count
      var from = 0
      while let end = lineEnd(in: piece, from..<count) {
        pending += piece[from..<end]
        try body(FileLine(bytes: pending[...], start: start, isComplete: true))
        start += pending.count + 1
        pending = []
        from = end + 1
      }
      pending += piece[from..<count]
      guard pending.count <= longest else { throw tooLong() }
    }
    if !pending.isEmpty { try body(FileLine(bytes: pending[...], start: start, isComplete: false)) }
    return 0
  }

  private static func lineEnd(in bytes: [UInt8], _ range: Range<Int>) -> Int? {
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return nil }
      return memchr(base + range.lowerBound, Int32(UInt8(ascii: "\n")), range.count).map { UnsafeRawPointer($0) - base }
    }
  }
}

/// Puts the lines of a table together to records: a quoted field of a .csv file may hold line ends.
struct RowRecord {
  private let format: RowFormat
  private(set) var text = ""
  private(set) var start = 0
  /// Where the last line ends.
  private(set) var end = 0
  /// Whether it has begun and is incomplete.
  private(set) var isOpen = false
  private var quoteCount = 0

  init(_ format: RowFormat) { self.format = format }

  /// Whether the record is complete with a line.
  mutating func add(_ line: FileLine) -> Bool {
    let part = String(decoding: line.bytes, as: UTF8.self)
    if isOpen { text += "\n" + part } else { (text, start, quoteCount) = (part, line.start, 0) }
    if format == .csv { quoteCount += CSV.quoteCount(part) }
    isOpen = !line.isComplete || quoteCount % 2 == 1
    end = line.start + line.bytes.count + 1
    return !isOpen
  }
}
