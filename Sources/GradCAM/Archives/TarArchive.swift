import Graph

/// The regular files of a tar archive, one after another, in bounded memory: that of the member in hand and a buffer.
///
/// It reads the formats v7, ustar, GNU and pax. Folders, links, pipes and devices are passed over. Two blocks of zeros end
/// the archive, or one at the end of the file; nothing after them is read. An archive may have several members of one
/// name, and names that no file should get, such as `../a`: they are as the archive has them, without `./` in front.
///
/// An instance is for one thread at a time.
package final class TarArchive {
  private let path: String
  private let stream: ByteStream
  private var block = [UInt8](repeating: 0, count: TarHeader.byteCount)
  private var hasHeaders = false
  /// What the archive says of all members that follow.
  private var global = PaxRecords()
  /// How many bytes stand before the next header.
  private var rest = 0
  /// The member that these belong to, and the one before.
  private var current: String?, last: String?
  private var hasEnded = false
  private var damage: GradCAMError?

  /// Opens an archive: plain, or compressed by gzip, which its first bytes tell.
  ///
  /// - Throws: `GradCAMError` of kind `.unreadable`.
  package init(_ path: String) throws {
    self.path = path
    stream = try ByteStream(path)
  }

  /// Whether a path names an archive, by its extension: `.tar`, `.tar.gz` or `.tgz`.
  package static func isNamed(by path: String) -> Bool {
    let name = path.lowercased()
    return [".tar", ".tar.gz", ".tgz"].contains { name.hasSuffix($0) }
  }

  /// Whether there is nothing more to read, because the archive has ended or because it is damaged from here on.
  package var isAtEnd: Bool { hasEnded || damage != nil }

  /// The next regular file whose name is wanted; nil at the end of the archive.
  ///
  /// Others are passed over without being read into memory.
  ///
  /// - Throws: `GradCAMError`. If its place is the archive alone, which is `.unreadable`, or `.badData` because it is cut off
  ///   or damaged, the same error comes again. If its place is the archive and a member, which is wanted but larger than
  ///   2 GiB (`.unreadable`) or not to be had whole or by name (`.badData`), the next call goes on after that one.
  package func next(where isWanted: (String) -> Bool) throws -> TarMember? {
    if let damage { throw damage }
    do {
      while let entry = try nextEntry() {
        guard entry.isFile, isWanted(entry.name) else { continue }
        // Not an error of the archive.
        if let refusal = entry.refusal { throw refusal.within(path) }
        return TarMember(name: entry.name, contents: try contents(of: entry))
      }
      hasEnded = true
      return nil
    } catch let error as GradCAMError {
      if error.place.count == 1 { damage = error }
      throw error
    }
  }

  // MARK: Members

  private struct Entry {
    let name: String
    let isFile: Bool
    let size: Int
    /// Why its contents or its name are not to be had.
    let refusal: GradCAMError?
  }

  /// The next member of any kind; nil at the end.
  private func nextEntry() throws -> Entry? {
    guard !hasEnded else { return nil }
    var longName: [UInt8]?, own = PaxRecords(), isAwaited = false
    while true {
      try passRest()
      guard let header = try nextHeader() else {
        guard !isAwaited else { throw damaged("the member that its last header is about is missing") }
        return nil
      }
      switch header.kind {
      case .longName:
        longName = Array(try extensionData(header, upTo: 1 << 16).prefix { $0 != 0 })
        isAwaited = true
      case .longLinkName:
        rest = try paddedSize(header.size)
        isAwaited = true
      case .records:
        own.add(try readRecords(header))
        isAwaited = true
      case .globalRecords:
        global.add(try readRecords(header))
      default:
        var records = global
        records.add(own)
        return try entry(header, name: records.path ?? longName ?? header.name, records)
      }
    }
  }

  private func entry(_ header: TarHeader, name: [UInt8], _ records: PaxRecords) throws -> Entry {
    var name = name[...]
    while name.starts(with: "./".utf8) { name = name.dropFirst(2) }
    let text = String(decoding: name, as: UTF8.self), kind = header.kind
    current = text
    if header.isContinued { try passContinuation() }
    let said = try records.size.map { digits in
      guard let size = wholeNumber(digits[...], radix: 10) else { throw wrongSize() }
      return size
    }
    let size = kind == .bare ? 0 : said ?? header.size
    rest = try paddedSize(size)
    func refusal(_ problem: String, kind: GradCAMError.Kind = .badData, advice: String) -> GradCAMError {
      GradCAMError(kind, at: text, problem: problem, advice: advice)
    }
    let problem: GradCAMError? =
      if String(validating: name, as: UTF8.self) == nil {
        refusal("the name is not text in UTF-8", advice: "make the archive again, with names in UTF-8")
      } else if name.isEmpty || name.contains(0) {
        refusal("is not the name of a file", advice: "make the archive again")
      } else if kind == .sparseFile || records.isSparse {
        refusal("is a sparse file", advice: "make the archive again, without --sparse")
      } else if kind == .restOfFile {
        refusal("is the rest of a file in another archive", advice: "make one archive of all")
      } else if kind == .unknown {
        refusal("is a member of an unknown kind", advice: "make the archive again")
      } else if let size, size > largestContents {
        refusal("is larger than 2 GiB", kind: .unreadable, advice: "give a smaller file")
      } else {
        nil
      }
    // Before there was a kind for folders, their names ended so.
    let isFile = kind != .bare && kind != .note && name.last != UInt8(ascii: "/")
    return Entry(name: text, isFile: isFile, size: size ?? 0, refusal: problem)
  }

  private func contents(of entry: Entry) throws -> [UInt8] {
    guard stream.mayHold(entry.size) else { throw cutOff() }
    return try take(entry.size)
  }

  // MARK: Blocks

  /// The next header; nil at the end of the archive.
  private func nextHeader() throws -> TarHeader? {
    guard try readBlock() == TarHeader.byteCount else { throw hasHeaders ? cutOff() : notAnArchive() }
    if let header = TarHeader(block) {
      hasHeaders = true
      return header
    }
    guard isZero else {
      throw hasHeaders ? damaged("what follows is not the header of a member") : notAnArchive()
    }
    switch try readBlock() {
    case 0: break
    case TarHeader.byteCount where isZero: break
    case TarHeader.byteCount: throw damaged("a block of zeros is not the end")
    default: throw cutOff()
    }
    guard try stream.endMember() else { throw cutOff() }
    return nil
  }

  private var isZero: Bool { block.allSatisfy { $0 == 0 } }

  private func readBlock() throws -> Int { try block.withUnsafeMutableBytes { try stream.read(into: $0) } }

  private func passRest() throws {
    guard try stream.skip(rest) else { throw cutOff() }
    rest = 0
    last = current ?? last
    current = nil
  }

  /// Passes over the blocks that continue a sparse file's header.
  private func passContinuation() throws {
    repeat {
      guard try readBlock() == TarHeader.byteCount else { throw cutOff() }
    } while block[504] != 0
  }

  private func take(_ count: Int) throws -> [UInt8] {
    let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    guard bytes.count == count else { throw cutOff() }
    rest -= count
    return bytes
  }

  private func extensionData(_ header: TarHeader, upTo limit: Int) throws -> [UInt8] {
    rest = try paddedSize(header.size)
    guard let size = header.size, size <= limit else {
      throw damaged("a header that extends another is larger than \(limit) bytes")
    }
    return try take(size)
  }

  private func readRecords(_ header: TarHeader) throws -> PaxRecords {
    guard let records = PaxRecords(try extensionData(header, upTo: 1 << 20)) else {
      throw damaged("the records of a header cannot be read")
    }
    return records
  }

  /// The size with the bytes that fill the last block.
  private func paddedSize(_ size: Int?) throws -> Int {
    guard let size, size <= Int.max - TarHeader.byteCount else { throw wrongSize() }
    return (size + TarHeader.byteCount - 1) / TarHeader.byteCount * TarHeader.byteCount
  }

  // MARK: Errors

  private func cutOff() -> GradCAMError {
    let place =
      switch (current, last) {
      case (let current?, let last?): "in \"\(current)\", after \"\(last)\""
      case (let current?, nil): "in its first member, \"\(current)\""
      case (nil, let last?): "after \"\(last)\", without an end"
      case (nil, nil): "before its first member"
      }
    return GradCAMError(
      .badData, at: path, problem: "the archive is cut off \(place)", advice: "copy or make the archive again")
  }

  private func damaged(_ problem: String) -> GradCAMError {
    let place = current.map { "at \"\($0)\"" } ?? last.map { "after \"\($0)\"" } ?? "at its beginning"
    return GradCAMError(
      .badData, at: path, problem: "the archive is damaged \(place): \(problem)",
      advice: "copy or make the archive again")
  }

  private func wrongSize() -> GradCAMError { damaged("the size of what follows is not a number, or too large") }

  private func notAnArchive() -> GradCAMError {
    GradCAMError(
      .badData, at: path, problem: "is neither a tar archive nor one compressed by gzip",
      advice: "decompress it first, or make an archive with tar -cf")
  }
}

/// A regular file of a tar archive.
package struct TarMember: Sendable {
  /// Its name in the archive, without `./` in front.
  package let name: String
  /// Its bytes.
  package let contents: [UInt8]
}
