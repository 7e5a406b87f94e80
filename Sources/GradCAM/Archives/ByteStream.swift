import CGzip
import Graph

/// The bytes of a regular file from its beginning to its end, decompressed if they are gzip data, in bounded memory.
///
/// Several gzip members, one after another, are one stream. A compressed file that is cut off ends early, as one does that
/// is not compressed.
final class ByteStream {
  private let path: String
  private let file: Int32
  /// nil if the bytes are not compressed.
  private let inflater: OpaquePointer?
  /// Bytes of the file; those between `next` and `end` are still to be taken.
  private let buffer: UnsafeMutableRawBufferPointer
  private var next = 0, end = 0
  /// How many bytes of the file follow those in the buffer.
  private var remaining: Int
  /// Whether a gzip member has begun and not ended.
  private var isInMember = false

  /// - Throws: `GradCAMError` of kind `.unreadable`.
  init(_ path: String) throws {
    let (file, byteCount) = try openedRegularFile(at: path)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    do {
      end = try readBytes(of: file, at: path, into: buffer)
      let isCompressed = end >= 2 && buffer[0] == 0x1F && buffer[1] == 0x8B
      inflater = isCompressed ? gradcam_inflater_new() : nil
      guard !isCompressed || inflater != nil else {
        throw GradCAMError(.unreadable, at: path, problem: "cannot be decompressed: memory is missing")
      }
    } catch {
      buffer.deallocate()
      close(file)
      throw error
    }
    (self.path, self.file, self.buffer) = (path, file, buffer)
    remaining = max(0, byteCount - end)
  }

  deinit {
    gradcam_inflater_free(inflater)
    buffer.deallocate()
    close(file)
  }

  /// Whether so many bytes can follow: the file has them, or may have them compressed as well as it can be done.
  func mayHold(_ count: Int) -> Bool {
    let stored = end - next + remaining
    guard inflater != nil else { return count <= stored }
    // Deflate makes at most 258 bytes of 2 bits; the inflater may keep a few.
    let (most, overflows) = stored.multipliedReportingOverflow(by: 4 * 258)
    return overflows || count - 1024 <= most
  }

  /// Fills a buffer with the next bytes; fewer only at the end.
  ///
  /// - Throws: `GradCAMError` of kind `.unreadable`, or `.badData` if compressed data are damaged.
  /// - Returns: the number of bytes.
  func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    var filled = 0
    while filled < target.count {
      let got = try some(into: UnsafeMutableRawBufferPointer(rebasing: target[filled...]))
      guard let got else { break }
      filled += got
    }
    return filled
  }

  /// Passes over bytes; false if there are not so many.
  ///
  /// Throws what reading throws.
  func skip(_ count: Int) throws -> Bool {
    guard inflater == nil else { return try inflateAway(count) == count }
    let here = min(count, end - next), beyond = count - here
    next += here
    guard beyond <= remaining else { return false }
    guard beyond == 0 || lseek(file, off_t(beyond), SEEK_CUR) >= 0 else { throw unreadable(path) }
    remaining -= beyond
    return true
  }

  /// Reads to the end of the gzip member that has begun, which checks it; false if it has no end.
  ///
  /// Throws what reading throws.
  func endMember() throws -> Bool {
    while isInMember {
      guard try withScratch({ try some(into: $0) }) != nil else { return false }
    }
    return true
  }

  /// Some of the next bytes, perhaps none; nil at the end.
  private func some(into target: UnsafeMutableRawBufferPointer) throws -> Int? {
    guard inflater == nil else { return try inflated(into: target) }
    if next == end {
      if target.count >= buffer.count {
        let got = try readBytes(of: file, at: path, into: target)
        remaining = max(0, remaining - got)
        return got > 0 ? got : nil
      }
      guard try refill() else { return nil }
    }
    let count = min(target.count, end - next)
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[next..<next + count]))
    next += count
    return count
  }

  private func inflated(into target: UnsafeMutableRawBufferPointer) throws -> Int? {
    while true {
      let given = buffer[next..<end]
      var used = 0, made = 0
      let state = gradcam_inflate(
        inflater, buffer.baseAddress?.advanced(by: next).assumingMemoryBound(to: UInt8.self), given.count, &used,
        target.baseAddress?.assumingMemoryBound(to: UInt8.self), target.count, &made)
      next += used
      guard state >= 0 else { throw damaged() }
      if used > 0 { isInMember = true }
      if state == 1 { isInMember = false }
      if state == 1 || made > 0 { return made }
      if used == 0 {
        guard next == end, try refill() else { return nil }
      }
    }
  }

  private func damaged() -> GradCAMError {
    var place = lseek(file, 0, SEEK_CUR)
    place = max(0, place - off_t(end - next))
    return GradCAMError(
      .badData, at: path, problem: "its gzip data are damaged at byte \(place)", advice: "copy or make the file again")
  }

  /// Decompresses so many bytes and forgets them; returns how many there were.
  private func inflateAway(_ count: Int) throws -> Int {
    try withScratch { scratch in
      var passed = 0
      while passed < count {
        let part = UnsafeMutableRawBufferPointer(rebasing: scratch.prefix(count - passed))
        guard let got = try inflated(into: part) else { break }
        passed += got
      }
      return passed
    }
  }

  private func withScratch<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows -> Result {
    try withUnsafeTemporaryAllocation(byteCount: 1 << 15, alignment: 1, body)
  }

  /// Puts the next bytes of the file into the empty buffer; false at its end.
  private func refill() throws -> Bool {
    (next, end) = (0, 0)
    end = try readBytes(of: file, at: path, into: buffer)
    remaining = max(0, remaining - end)
    return end > 0
  }
}
