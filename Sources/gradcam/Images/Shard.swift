import ArgumentParser
import GradCAM

/// A part of all images, which depends on their names alone: more images move none to another part.
struct Shard: ExpressibleByArgument {
  /// From 1.
  let number: Int
  let count: Int

  /// Reads `K/N`.
  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let number = parts[0], let count = parts[1], count >= 1, (1...count).contains(number) else {
      return nil
    }
    (self.number, self.count) = (number, count)
  }

  /// Whether an image is in the part: the first 8 bytes of the SHA-256 of its name, as a big-endian number, modulo the
  /// count, plus 1, are the part's number.
  func contains(_ name: String) -> Bool {
    count == 1 || FileDigest.of(Array(name.utf8)).leadingNumber % UInt64(count) == UInt64(number - 1)
  }
}
