import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Archives that are cut off, damaged, or made to do harm.
@Suite struct HostileTarTests {
  /// One of each kind of header that is read.
  private var everything: TarBuilder {
    var tar = TarBuilder()
    tar.add(records: [("comment", "x")], kind: "g")
    tar.add("a.jpg", String(repeating: "a", count: 600))
    tar.add("././@LongLink", kind: "K", "target\0")
    tar.add("././@LongLink", kind: "L", "long/b.jpg\0")
    tar.add("b.jpg", "b")
    tar.add(records: [("path", "c.jpg"), ("size", "5")])
    tar.add("short.jpg", "ccccc")
    tar.add("folder", kind: "5")
    tar.add("", kind: "1")
    tar.add(
      header: TarBuilder.header(Array("sparse.jpg".utf8), kind: "S", count: 1) { $0[482] = 1 },
      [UInt8](repeating: 0, count: 512) + [1])
    tar.add("d.jpg", "d")
    tar.end()
    return tar
  }

  private func names(_ path: String, where isWanted: (String) -> Bool = { _ in true }) throws -> [String]? {
    try members(path, where: isWanted)?.map(\.name)
  }

  /// All members but those that are refused; nil if the archive is damaged.
  private func members(_ path: String, where isWanted: (String) -> Bool = { _ in true }) throws -> [TarMember]? {
    let archive = try TarArchive(path)
    var members: [TarMember] = []
    while true {
      do {
        guard let member = try archive.next(where: isWanted) else { return members }
        members.append(member)
      } catch let error as GradCAMError {
        #expect(error.kind == .badData || error.kind == .unreadable)
        #expect(error.place.first?.description == path)
        guard archive.isAtEnd else { continue }
        // The same error comes again.
        #expect(throws: GradCAMError.self) { try archive.next(where: isWanted) }
        return nil
      }
    }
  }

  /// Cut off at whatever byte, it is an error that names the archive, and the members before come; never another name.
  @Test(arguments: [false, true])
  func cutOffAnywhere(isCompressed: Bool) throws {
    let tar = everything, bytes = isCompressed ? gzipped(tar.bytes) : tar.bytes
    try withTemporaryFolder { folder in
      let path = try TarBuilder(bytes: bytes).write(to: folder)
      #expect(try names(path) == ["a.jpg", "long/b.jpg", "c.jpg", "d.jpg"])
      for count in (0..<bytes.count).reversed() {
        #expect(truncate(path, off_t(count)) == 0)
        for isWanted in [true, false] {
          let found = try names(path) { _ in isWanted }
          // With one block of zeros at its end the archive is whole.
          #expect((found != nil) == (!isCompressed && count == bytes.count - 512), "\(count)")
        }
      }
    }
  }

  /// What the error of an archive that is cut off says.
  @Test func placeOfTheCut() throws {
    let bytes = everything.bytes
    try withTemporaryFolder { folder in
      for (count, place) in [
        (100, "is neither a tar archive"), (1024, "is cut off before its first member"),
        (1600, "is cut off in its first member, \"a.jpg\""), (2560, "is cut off after \"a.jpg\", without an end"),
        (5200, "is cut off in \"long/b.jpg\", after \"a.jpg\""), (7680, "is cut off after \"c.jpg\""),
      ] {
        let path = try TarBuilder(bytes: Array(bytes[..<count])).write(to: folder)
        expectError(.badData, at: path, saying: place) { _ = try readAll(path) }
        expectError(.badData, at: path, saying: place) { _ = try readAll(path) { _ in false } }
      }
    }
  }

  /// A changed byte of a header is found by its sum.
  ///
  /// With a right sum it is read or refused. What is passed over or read, of a plain archive or a compressed one, does not
  /// change whether it is damaged.
  @Test func changedBytes() throws {
    let bytes = everything.bytes
    var random = SplitMix64(seed: 9)
    try withTemporaryFolder { folder in
      let path = try everything.write(to: folder)
      for start in stride(from: 0, to: bytes.count, by: 512) {
        let block = Array(bytes[start..<start + 512]), isHeader = TarHeader(block) != nil
        for place in stride(from: 0, to: 512, by: isHeader ? 1 : 16) {
          var changed = block
          changed[place] ^= UInt8(random.next() % 255 + 1)
          try overwrite(path, at: start, with: changed)
          // A changed field of the sum may still be the same number.
          if isHeader && !(148..<156).contains(place) { #expect(try names(path) == nil, "\(start) \(place)") }
          if isHeader {
            changed = TarBuilder.summed(changed)
            try overwrite(path, at: start, with: changed)
          }
          let found = try names(path), passed = try names(path) { _ in false }
          #expect((passed == nil) == (found == nil), "\(start) \(place)")
          if place % 16 == 0 {
            let compressed = gzipped(bytes[..<start] + changed + bytes[(start + 512)...])
            #expect(try names(TarBuilder(bytes: compressed).write(to: folder, "b")) == found, "\(start) \(place)")
          }
        }
        try overwrite(path, at: start, with: block)
      }
      #expect(try names(path)?.count == 4)
    }
  }

  private func overwrite(_ path: String, at place: Int, with bytes: [UInt8]) throws {
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    try file.seek(toOffset: UInt64(place))
    try file.write(contentsOf: bytes)
    try file.close()
  }

  /// A changed byte of gzip data that matters is found, at the latest by the checksum at the end.
  @Test func changedCompressedBytes() throws {
    var tar = TarBuilder()
    for name in ["a.jpg", "b.jpg"] { tar.add(name, String(repeating: name, count: 300)) }
    tar.end()
    let bytes = gzipped(tar.bytes), right = [UInt8](String(repeating: "a.jpg", count: 300).utf8)
    var random = SplitMix64(seed: 10)
    try withTemporaryFolder { folder in
      for place in bytes.indices {
        for _ in 0..<4 {
          var changed = bytes
          changed[place] ^= UInt8(random.next() % 255 + 1)
          let found = try members(TarBuilder(bytes: changed).write(to: folder))
          #expect(found == nil || found?.count == 2 && found?.first?.contents == right, "\(place)")
          if place >= bytes.count - 8 { #expect(found == nil, "\(place)") }
        }
      }
      let path = try TarBuilder(bytes: bytes.dropLast(8) + [1, 2, 3, 4, 5, 6, 7, 8]).write(to: folder)
      expectError(.badData, at: path, saying: "its gzip data are damaged at byte") { _ = try readAll(path) }
    }
  }

  /// Sizes that are negative, not numbers, too large to count or larger than the file; nothing as large is allocated.
  @Test func sizes() throws {
    let ones = [UInt8](repeating: 0xFF, count: 12), zeros = [UInt8](repeating: 0, count: 11)
    let (large, eight) = ([0x80, 0, 0, 0, 0x7F] + ones[..<7], Array("00000000008\0".utf8))
    let digits = Array("777777777777".utf8)
    try withTemporaryFolder { folder in
      for size in [ones, [0xC0] + zeros, [0xBF] + ones[..<11], large, eight, digits, Array("17777777777\0".utf8)] {
        for kind: Character in ["0", "S", "L", "K", "x", "g", "V", "Z"] {
          var tar = TarBuilder()
          tar.add("a.jpg", "a")
          tar.add(header: TarBuilder.header(Array("b.jpg".utf8), kind: kind, size: size), [1, 2, 3])
          tar.end()
          for bytes in [tar.bytes, gzipped(tar.bytes)] {
            let path = try TarBuilder(bytes: bytes).write(to: folder)
            #expect(try names(path) == nil && names(path, where: { _ in false }) == nil, "\(size) \(kind)")
          }
        }
      }
      for size in ["-1", "+1", "x", "9223372036854775807", "9223372036854775808", "99999999999999999999999", " 1"] {
        var tar = TarBuilder()
        tar.add(records: [("size", size)])
        tar.add("b.jpg", "1")
        tar.end()
        #expect(try names(tar.write(to: folder)) == nil, "\(size)")
      }
    }
  }

  /// Records that are no records, and an extended header behind which nothing comes.
  @Test func records() throws {
    try withTemporaryFolder { folder in
      for text in [
        "", "x", "5 a=", "0 a=b\n", "6 a=b\n7", "7 a=b\n", "6 abb\n", "99 a=b\n", " 6 a=b\n", "-6 a=b\n",
        "99999999999999999999999999999 a=b\n", "2 \n", "1 ", "3 \n\n",
      ] {
        var tar = TarBuilder()
        tar.add("records", kind: "x", text)
        tar.add("a.jpg", "a")
        tar.end()
        let found = try names(tar.write(to: folder))
        #expect(found == (text.isEmpty ? ["a.jpg"] : nil), "\(text)")
      }
      for kind: Character in ["x", "X", "L", "K"] {
        var tar = TarBuilder()
        tar.add("next", kind: kind, "12 path=abc\n")
        tar.end()
        expectError(.badData, saying: "the member that its last header is about is missing") {
          _ = try readAll(tar.write(to: folder))
        }
      }
      var long = TarBuilder()
      long.add("next", kind: "L", String(repeating: "a", count: 1 << 16 + 1))
      long.add("a.jpg", "a")
      long.end()
      expectError(.badData, saying: "is larger than 65536 bytes") { _ = try readAll(long.write(to: folder)) }
    }
  }

  /// A gigabyte of zeros in a megabyte is passed over without being kept.
  @Test func bombs() throws {
    let piece = gzipped([UInt8](repeating: 0, count: 1 << 24))
    var head = TarBuilder(), tail = TarBuilder()
    head.add(header: TarBuilder.header(Array("zeros.jpg".utf8), count: 1 << 30))
    tail.add("a.jpg", "a")
    tail.end()
    let bytes = gzipped(head.bytes) + Array(repeatElement(piece, count: 64).joined()) + gzipped(tail.bytes)
    try withTemporaryFolder { folder in
      let path = try TarBuilder(bytes: bytes).write(to: folder)
      let before = try memoryPeak()
      #expect(try readAll(path) { $0 == "a.jpg" }.count == 1)
      #expect(try memoryPeak() - before < 900 << 20)
    }
  }

  /// The most memory that the process has had, in bytes.
  private func memoryPeak() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(Int(line.split(separator: " ")[1])) << 10
  }
}
