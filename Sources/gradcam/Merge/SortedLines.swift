import GradCAM
import Graph

/// Lines in the order of their bytes, few of which are in memory: others lie, sorted, in files without names.
final class SortedLines {
  private let folder: String
  private let memory: Int
  /// The lines that are in memory, one after another, and where each lies.
  private var bytes: [UInt8] = []
  private var lines: [Range<Int>] = []
  private var runs: [Run] = []
  /// The runs that have lines left, as a heap: none comes before the one at half its place.
  private var heap: [Run]?

  /// - Parameters:
  ///   - folder: where the files lie.
  ///   - memory: how many bytes of lines may be in memory.
  init(in folder: String, memory: Int = 1 << 27) { (self.folder, self.memory) = (folder, memory) }

  /// Adds a line, before any is taken.
  ///
  /// Throws `unwritable` if there is no space for it.
  func add(_ line: [UInt8]) throws {
    lines.append(bytes.count..<bytes.count + line.count)
    bytes += line
    // A range takes 16 bytes.
    if bytes.count + 16 * lines.count > memory { try store() }
  }

  /// Takes the next line; nil if there is none.
  ///
  /// Throws `unwritable` if a file cannot be written or read.
  func next() throws -> [UInt8]? {
    if heap == nil {
      if !lines.isEmpty { try store() }
      heap = []
      for run in runs where try run.advance() { push(run) }
    }
    guard let first = heap!.first else { return nil }
    let line = first.line
    if try !first.advance() { heap![0] = heap![heap!.count - 1]; heap!.removeLast() }
    sink()
    return line
  }

  private func push(_ run: Run) {
    heap!.append(run)
    var place = heap!.count - 1
    while place > 0, heap![place].line.lexicographicallyPrecedes(heap![(place - 1) / 2].line) {
      heap!.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private func sink() {
    var place = 0
    while true {
      let children = (2 * place + 1..<2 * place + 3).filter { $0 < heap!.count }
      guard let least = children.min(by: { heap![$0].line.lexicographicallyPrecedes(heap![$1].line) }),
        heap![least].line.lexicographicallyPrecedes(heap![place].line)
      else { return }
      heap!.swapAt(place, least)
      place = least
    }
  }

  /// Puts the lines that are in memory into a file.
  private func store() throws {
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      lines.sort { one, two in
        let order = memcmp(base + one.lowerBound, base + two.lowerBound, min(one.count, two.count))
        return order == 0 ? one.count < two.count : order < 0
      }
    }
    let run = try Run(in: folder)
    for line in lines { try run.write(bytes[line]) }
    try run.rewind()
    runs.append(run)
    (bytes, lines) = ([], [])
  }

  /// Sorted lines in a file, each after its length.
  private final class Run {
    private let folder: String
    private let file: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    /// The line that `advance` read.
    private(set) var line: [UInt8] = []

    private static let pieceSize = 1 << 18

    init(in folder: String) throws {
      self.folder = folder
      var name = Array("\(folder)/.gradcam-XXXXXX".utf8CString)
      file = mkstemp(&name)
      guard file >= 0 else { throw failure(errno) }
      unlink(name)
    }

    deinit { if file >= 0 { close(file) } }

    func write(_ line: ArraySlice<UInt8>) throws {
      withUnsafeBytes(of: UInt64(line.count).littleEndian) { buffer += $0 }
      buffer += line
      if buffer.count >= Self.pieceSize { try flush() }
    }

    private func flush() throws {
      let code = writeAll(buffer, to: file)
      guard code == 0 else { throw failure(code) }
      buffer = []
    }

    /// Ends writing.
    func rewind() throws {
      try flush()
      guard lseek(file, 0, SEEK_SET) == 0 else { throw failure(errno) }
    }

    /// Reads the next line; false if there is none.
    func advance() throws -> Bool {
      guard let length = try take(8) else { return false }
      let count = length.reversed().reduce(0) { $0 << 8 | Int($1) }
      line = Array(try take(count) ?? [])
      return true
    }

    private func take(_ count: Int) throws -> ArraySlice<UInt8>? {
      while buffer.count - start < count {
        buffer.removeFirst(start)
        start = 0
        let old = buffer.count
        buffer += [UInt8](repeating: 0, count: max(Self.pieceSize, count))
        let got = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress! + old, $0.count - old) }
        buffer.removeLast(buffer.count - old - max(0, got))
        guard got >= 0 else { throw failure(errno) }
        if got == 0 { return nil }
      }
      defer { start += count }
      return buffer[start..<start + count]
    }

    private func failure(_ code: Int32) -> GradCAMError {
      GradCAMError(
        .unwritable, at: folder, problem: "has no room for sorting (\(systemMessage(code)))",
        advice: "check its space and permissions")
    }
  }
}
