import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct PictureWritingTests {
  @Test(arguments: ["out.png", "out.PNG", "a.b.png"])
  func pngKeepsEveryPixel(name: String) throws {
    let picture = try ImagingFixture.photograph()
    try withTemporaryFolder { folder in
      try picture.write(to: "\(folder)/\(name)")
      #expect(try Picture(contentsOf: "\(folder)/\(name)") == picture)
      #expect(entries(of: folder) == [name])
    }
  }

  /// Flat, noisy, sloping and rare pixels.
  @Test(arguments: [(1, 1), (2, 3), (21844, 1), (21845, 1), (70_000, 1), (1, 22_000), (257, 300)], 0..<6)
  func pngKeepsPixelsOfAnyKind(_ size: (Int, Int), _ kind: Int) throws {
    var random = SplitMix64(seed: UInt64(kind))
    let pixels = (0..<3 * size.0 * size.1).map { index -> UInt8 in
      let bits = random.next()
      return switch kind {
      case 0: 7
      case 1: UInt8(truncatingIfNeeded: bits)
      case 2: UInt8(truncatingIfNeeded: index / 5)
      case 3: bits % 300 == 0 ? 255 : 0
      case 4: UInt8(truncatingIfNeeded: (bits | 1 << 40).trailingZeroBitCount * 5)
      default: UInt8(truncatingIfNeeded: index % 3 * 90)
      }
    }
    let picture = Picture(width: size.0, height: size.1, pixels: pixels)
    #expect(try Picture(decoding: picture.encoded(for: "any.png")) == picture)
  }

  @Test(arguments: ["out.jpg", "out.jpeg"])
  func jpegEqualsOpenCV(name: String) throws {
    let picture = try ImagingFixture.photograph()
    try withTemporaryFolder { folder in
      try picture.write(to: "\(folder)/\(name)")
      #expect(try contentsOfFile(at: "\(folder)/\(name)").starts(with: [0xFF, 0xD8]))
      let written = try Picture(contentsOf: "\(folder)/\(name)")
      #expect(try maximumDifference(written, ImagingFixture.picture("written.jpg")) <= 1)
    }
  }

  @Test(arguments: ["out", "out.gif", "out.", ".png/out", "png"])
  func unknownExtensionIsRefused(name: String) throws {
    let picture = try ImagingFixture.photograph()
    expectError(.usage, at: name, saying: ".png, .jpg or .jpeg") { try picture.write(to: name) }
  }

  @Test func pictureTooWideForJPEGIsRefused() throws {
    let picture = Picture(width: 70000, height: 1, pixels: Array(repeating: 0, count: 210000))
    try withTemporaryFolder { folder in
      let path = folder + "/out.jpg"
      expectError(.unwritable, at: path, saying: "65500") { try picture.write(to: path) }
      #expect(entries(of: folder) == [])
    }
  }
}

@Suite struct AtomicFileTests {
  @Test func replacesWhatWasThere() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/file"
      try writeAtomically([1, 2, 3], to: path)
      try writeAtomically([4], to: path)
      #expect(try contentsOfFile(at: path) == [4])
      #expect(entries(of: folder) == ["file"])
    }
  }

  @Test func namesWhatCannotBeWritten() throws {
    try withTemporaryFolder { folder in
      let orphan = folder + "/absent/file"
      expectError(.unwritable, at: orphan, saying: "No such file", "folder exists") {
        try writeAtomically([1], to: orphan)
      }
      expectError(.unwritable, at: folder, saying: "is a folder") { try writeAtomically([1], to: folder) }
      expectError(.unwritable, at: "/dev/null", saying: "not a regular file") {
        try writeAtomically([1], to: "/dev/null")
      }
    }
  }

  @Test func removesTheTemporaryFileAfterAFailure() throws {
    try withTemporaryFolder { folder in
      let tooLong = folder + "/" + String(repeating: "n", count: 300)
      expectError(.unwritable, at: tooLong, saying: "too long") { try writeAtomically([1], to: tooLong) }
      #expect(entries(of: folder) == [])
    }
  }

  /// Until it is finished, a file has no name, or a temporary one where the file system admits no other.
  @Test func nothingIsSeenOfAnUnfinishedFile() throws {
    try withTemporaryFolder { folder in
      let hasNameless = open_nameless(folder) >= 0
      try writeAtomically([1], to: folder + "/old")
      for name in ["old", "new"] {
        let before = entries(of: folder)
        let file = try AtomicFile(folder + "/" + name)
        try file.append(Array(repeating: 2, count: 100_000))
        if hasNameless { #expect(entries(of: folder) == before) }
        try file.finish()
        #expect(try contentsOfFile(at: folder + "/" + name).count == 100_000)
      }
      _ = try AtomicFile(folder + "/dropped")
      #expect(entries(of: folder)?.sorted() == ["new", "old"])
    }
  }

  /// Names that earlier runs left, such as one with the same process number in a container, block nothing.
  @Test func staleTemporaryFilesAreNoObstacle() throws {
    try withTemporaryFolder { folder in
      for number in 0..<50 {
        #expect(creat("\(folder)/.gradcam-\(getpid())-\(number).tmp", 0o600) >= 0)
      }
      try writeAtomically([1], to: folder + "/file")
      try writeAtomically([2], to: folder + "/file")
      #expect(try contentsOfFile(at: folder + "/file") == [2])
    }
  }

  @Test func permissionsAreKept() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/file"
      func mode() -> mode_t {
        var status = stat()
        #expect(stat(path, &status) == 0)
        return status.st_mode & 0o777
      }
      try writeAtomically([1], to: path)
      let usual = mode()
      #expect(usual & 0o600 == 0o600 && usual & 0o111 == 0)
      for kept: mode_t in [0o600, 0o664, 0o755] {
        #expect(chmod(path, kept) == 0)
        try writeAtomically([2], to: path)
        #expect(mode() == kept)
      }
    }
  }

  @Test func linksAreFollowed() throws {
    try withTemporaryFolder { folder in
      #expect(mkdir(folder + "/far", 0o700) == 0)
      for (link, target) in [("a", "far/a"), ("b", "a"), ("c", folder + "/c2"), ("x", "y"), ("y", "x")] {
        #expect(symlink(target, "\(folder)/\(link)") == 0)
      }
      try writeAtomically([1], to: folder + "/far/a")
      for (name, bytes) in [("b", [2]), ("c", [3])] as [(String, [UInt8])] {
        try writeAtomically(bytes, to: folder + "/" + name)
      }
      #expect(try contentsOfFile(at: folder + "/far/a") == [2] && contentsOfFile(at: folder + "/c2") == [3])
      for link in ["a", "b", "c"] {
        var status = stat()
        #expect(lstat("\(folder)/\(link)", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
      }
      let circle = folder + "/x"
      expectError(.unwritable, at: circle, saying: "leads nowhere") { try writeAtomically([1], to: circle) }
    }
  }
}
