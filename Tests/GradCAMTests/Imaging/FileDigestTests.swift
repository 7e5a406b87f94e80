import CDigest
import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct FileDigestTests {
  private func digest(_ bytes: [UInt8]) -> String {
    var digest = FileDigest()
    digest.add(bytes)
    return digest.hexadecimal
  }

  /// Examples of FIPS 180-4, and lengths about the size of a block.
  @Test(arguments: [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
    (64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
    (1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func knownDigests(_ count: Int, _ expected: String) throws {
    let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: count)
    #expect(digest(bytes) == expected)
    try withTemporaryFolder { folder in
      try Data(bytes).write(to: URL(filePath: folder + "/bytes"))
      let file = try #require(FileDigest.ofFile(folder + "/bytes"))
      #expect(file.hexadecimal == expected && file.byteCount == count)
      #expect(FileDigest.ofFile(folder) == nil && FileDigest.ofFile(folder + "/none") == nil)
    }
    #expect(digest(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  /// It does not matter in which pieces bytes come, nor whether the processor has instructions for the digest.
  @Test func pieces() {
    var random = SplitMix64(seed: 1)
    let bytes = (0..<1000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    for length in [1, 7, 63, 64, 65, 128, 130, 999] {
      var digest = FileDigest()
      for start in stride(from: 0, to: bytes.count, by: length) { digest.add(bytes[start..<min(start + length, 1000)]) }
      #expect(digest.hexadecimal == self.digest(bytes), "\(length)")
    }
    var (usual, portable) = ([UInt32](0..<8), [UInt32](0..<8))
    sha256_add(&usual, bytes, 15)
    sha256_add_portably(&portable, bytes, 15)
    #expect(usual == portable && usual != [UInt32](0..<8))
  }

  /// Files of the system say that they are empty, and some never end.
  @Test func endlessFilesEnd() { #expect(FileDigest.ofFile("/proc/self/pagemap")?.byteCount ?? 0 == 0) }
}
