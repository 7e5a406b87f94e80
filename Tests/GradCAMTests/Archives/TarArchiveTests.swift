import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// All members that are wanted.
func readAll(_ path: String, where isWanted: (String) -> Bool = { _ in true }) throws -> [TarMember] {
  let archive = try TarArchive(path)
  var members: [TarMember] = []
  while let member = try archive.next(where: isWanted) { members.append(member) }
  #expect(archive.isAtEnd)
  return members
}

/// What the archives of Fixtures/archives hold, which its script says.
@Suite struct TarArchiveTests {
  private static let short = ["cat.jpg", "folder/dog.jpg", "folder/empty.jpg"], accented = ["folder/Kätzchen-猫.jpg"]
  private static let divisible = ["\(repeating("d", 60))/\(repeating("e", 60))/f.jpg"]
  private static let long = [
    "\(repeating("n", 150)).jpg",
    ["u", "v", "w", "x", "y"].map { repeating($0, 90) }.joined(separator: "/") + "/ü.jpg",
  ]

  private static func repeating(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

  private func expected(_ name: String) -> [UInt8] {
    name.contains("empty") ? [] : Array(String(repeating: name, count: 5).utf8)
  }

  /// Every program and format: the names and contents, without folders, links and the point in front.
  @Test(arguments: [
    "gnu-v7.tar", "gnu-ustar.tar", "gnu-oldgnu.tar", "gnu-gnu.tar", "gnu-pax.tar", "bsd-v7.tar", "bsd-ustar.tar",
    "bsd-pax.tar", "bsd-gnutar.tar", "python-ustar.tar", "python-gnu.tar", "python-pax.tar", "two-members.tgz",
  ])
  func programs(_ file: String) throws {
    var names = Self.short + Self.accented
    if !file.contains("v7") { names += Self.divisible }
    if !file.contains("v7") && !file.contains("ustar") { names += Self.long }
    let path = fixture("archives/\(file)"), members = try readAll(path)
    // Which of its names is the link is up to the program.
    #expect(Set(members.map(\.name)) == Set(names) && members.count == names.count)
    for member in members { #expect(member.contents == expected(member.name), "\(member.name)") }

    // The same ones, if others are passed over, plain and compressed.
    try withTemporaryFolder { folder in
      let compressed = "\(folder)/a"
      try Data(gzipped([UInt8](Data(contentsOf: URL(filePath: path))))).write(to: URL(filePath: compressed))
      for path in file.hasSuffix("gz") ? [path] : [path, compressed] {
        for name in names {
          let found = try readAll(path) { $0 == name }
          #expect(found.map(\.name) == [name] && found.first?.contents == expected(name))
        }
        #expect(try readAll(path) { _ in false }.isEmpty)
      }
    }
  }

  @Test func webDataset() throws {
    let members = try readAll(fixture("archives/webdataset.tar")) { $0.hasSuffix(".jpg") }
    #expect(members.map(\.name) == ["a/000001.jpg", "a/000002.jpg"])
    #expect(members.map { String(decoding: $0.contents, as: UTF8.self) } == ["picture 1", "picture 2"])
  }

  /// A sparse file is an error with its name, if it is wanted, after which the next member comes.
  @Test(arguments: ["old", "0.0", "0.1", "1.0"])
  func sparseFiles(_ kind: String) throws {
    let path = fixture("archives/sparse-\(kind).tar.gz"), archive = try TarArchive(path)
    expectError(.badData, at: path, saying: "sparse.jpg: is a sparse file") { _ = try archive.next { _ in true } }
    #expect(!archive.isAtEnd)
    #expect(try archive.next { _ in true }?.contents == expected("z.jpg"))
    #expect(try archive.next { _ in true } == nil && archive.isAtEnd)
    #expect(try archive.next { _ in true } == nil)
    #expect(try readAll(path) { $0 == "z.jpg" }.count == 1)
  }

  @Test func extensions() {
    for name in ["a.tar", "a/b.TAR.GZ", "c.tgz"] { #expect(TarArchive.isNamed(by: name)) }
    for name in ["a.gz", "tar", "a.tar.png", "a.tar/", ""] { #expect(!TarArchive.isNamed(by: name)) }
  }

  /// The records of an extended header count for one member, those of a global one for all that follow.
  @Test func records() throws {
    var tar = TarBuilder()
    tar.add(records: [("comment", "x"), ("size", "3")], kind: "g")
    tar.add(header: TarBuilder.header(Array("a.jpg".utf8), count: 0), Array("abc".utf8))
    tar.add(records: [("path", "./b/ü.jpg"), ("size", "4")])
    tar.add(records: [("comment", "behind")], kind: "g")
    tar.add(header: TarBuilder.header(Array("short".utf8), count: 1), Array("abcd".utf8))
    tar.add("c.jpg", "xyz")
    // An empty value takes back what was said for all.
    tar.add(records: [("size", "")])
    tar.add("d.jpg", "1")
    tar.end()
    let members = try withTemporaryFolder { try readAll(tar.write(to: $0)) }
    #expect(members.map(\.name) == ["a.jpg", "b/ü.jpg", "c.jpg", "d.jpg"])
    #expect(members.map { String(decoding: $0.contents, as: UTF8.self) } == ["abc", "abcd", "xyz", "1"])
  }

  /// Kinds that are no files, sizes that mean nothing, names that end in a slash; sums of signed bytes; sizes in base 256.
  @Test func members() throws {
    var tar = TarBuilder()
    tar.add("volume.jpg", kind: "V")
    for kind: Character in ["1", "2", "3", "4", "5", "6"] {
      tar.add(header: TarBuilder.header(Array("x\(kind).jpg".utf8), kind: kind, count: 1 << 20))
    }
    tar.add("folder.jpg/", "contents")
    tar.add("list.jpg", kind: "D", "contents")
    tar.add("old.jpg", kind: "\0", "old")
    tar.add("./././contiguous.jpg", kind: "7", "whole")
    tar.add(header: TarBuilder.header(Array("é.jpg".utf8), count: 2, isSigned: true), [1, 2])
    tar.add(
      header: TarBuilder.header(Array("256.jpg".utf8), size: [0x80] + [UInt8](repeating: 0, count: 10) + [3]),
      [1, 2, 3])
    tar.add(header: TarBuilder.header(Array("spaces.jpg".utf8), size: Array("         2 \0".utf8)), [1, 2])
    tar.end()
    // Another archive is not read.
    tar.add("behind.jpg", "x")
    tar.end()
    let members = try withTemporaryFolder { try readAll(tar.write(to: $0)) }
    #expect(members.map(\.name) == ["old.jpg", "contiguous.jpg", "é.jpg", "256.jpg", "spaces.jpg"])
    #expect(members.map(\.contents.count) == [3, 5, 2, 3, 2])
  }

  /// A member that is not to be had is an error with its name, if it is wanted, and the others come all the same.
  @Test func refusedMembers() throws {
    var tar = TarBuilder()
    tar.add(header: TarBuilder.header([0xE9] + Array(".jpg".utf8), count: 1), [1])
    tar.add("", "nameless")
    tar.add(records: [("path", "nul\0.jpg")])
    tar.add("nul.jpg", "x")
    tar.add("rest.jpg", kind: "M", "rest")
    tar.add("new.jpg", kind: "Z", "new")
    tar.add("last.jpg", "last")
    tar.end()
    try withTemporaryFolder { folder in
      let path = try tar.write(to: folder), archive = try TarArchive(path)
      for problem in [
        "\u{FFFD}.jpg: the name is not text in UTF-8", "'': is not the name of a file",
        ".jpg: is not the name of a file",
        "rest.jpg: is the rest of a file", "new.jpg: is a member of an unknown kind",
      ] {
        expectError(.badData, at: path, saying: problem) { _ = try archive.next { _ in true } }
      }
      #expect(try archive.next { _ in true }?.name == "last.jpg")
      #expect(try readAll(path) { $0 == "last.jpg" }.count == 1)
    }
  }

  /// An archive larger than 4 GiB, most of which is a hole: a member of 2 GiB and a byte is refused, the one behind read.
  @Test func largeMembers() throws {
    let count = 1 << 31 + 1
    var head = TarBuilder(), tail = TarBuilder()
    head.add(header: TarBuilder.header(Array("large.jpg".utf8), count: count))
    tail.add("small.jpg", "small")
    tail.end()
    try withTemporaryFolder { folder in
      let path = try head.write(to: folder), file = try #require(FileHandle(forUpdatingAtPath: path))
      try file.seek(toOffset: UInt64(512 + (count + 511) / 512 * 512))
      try file.write(contentsOf: tail.bytes)
      try file.close()
      let archive = try TarArchive(path)
      expectError(.unreadable, at: path, saying: "large.jpg: is larger than 2 GiB") {
        _ = try archive.next { _ in true }
      }
      #expect(try archive.next { _ in true }?.contents == Array("small".utf8))
      #expect(try readAll(path) { $0.hasPrefix("small") }.count == 1)
    }
  }

  /// Two blocks of zeros end an archive, or one at the end of the file, and what follows is not read.
  @Test func ends() throws {
    try withTemporaryFolder { folder in
      for isCompressed in [false, true] {
        func names(_ end: [UInt8]) throws -> [String] {
          var tar = TarBuilder()
          tar.add("a.jpg", "a")
          tar.bytes += end
          if isCompressed { tar.bytes = gzipped(tar.bytes) }
          return try readAll(tar.write(to: folder)).map(\.name)
        }
        let zeros = [UInt8](repeating: 0, count: 512)
        #expect(try names(zeros) == ["a.jpg"])
        #expect(try names(zeros + zeros) == ["a.jpg"])
        #expect(try names(zeros + zeros + [1, 2, 3]) == ["a.jpg"])
        expectError(.badData, saying: "the archive is cut off after \"a.jpg\", without an end") { _ = try names([]) }
        expectError(.badData, saying: "cut off after \"a.jpg\"") { _ = try names(zeros + [0]) }
        expectError(.badData, saying: "damaged after \"a.jpg\": a block of zeros is not the end") {
          _ = try names(zeros + TarBuilder.header([0x61]))
        }
        expectError(.badData, saying: "damaged after \"a.jpg\": what follows is not the header") {
          _ = try names([UInt8](repeating: 7, count: 512))
        }
      }
      var none = TarBuilder()
      none.end()
      let members = try readAll(none.write(to: folder))
      #expect(members.isEmpty)
    }
  }

  @Test func noArchives() throws {
    for name in ["imaging/photograph.png", "imaging/npy-empty.npy"] {
      expectError(.badData, at: fixture(name), saying: "is neither a tar archive nor one compressed by gzip") {
        _ = try readAll(fixture(name))
      }
    }
    expectError(.unreadable, saying: "cannot be opened") { _ = try TarArchive("/none.tar") }
    expectError(.unreadable, saying: "is a folder") { _ = try TarArchive(fixture("archives")) }
    expectError(.unreadable, saying: "is not a regular file") { _ = try TarArchive("/dev/null") }
    try withTemporaryFolder { folder in
      for bytes in [[], gzipped([]), gzipped([1, 2, 3]), gzipped([UInt8](repeating: 9, count: 2000))] {
        let path = try TarBuilder(bytes: bytes).write(to: folder)
        expectError(.badData, at: path, saying: "is neither a tar archive") { _ = try readAll(path) }
      }
    }
  }
}
