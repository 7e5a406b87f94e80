import ArgumentParser
import Graph

/// How much memory a file may make the program take.
struct MemoryOptions: ParsableArguments {
  @Option(
    name: .customLong("memory-limit"),
    help: ArgumentHelp(
      "How much memory a model may take, such as 4G. Default: 2G and 16 times the size of the model, at most half of "
        + "what the process may have.", valueName: "SIZE"))
  var limit: String?

  /// The options as command-line arguments.
  var arguments: [String] { limit.map { ["--memory-limit", $0] } ?? [] }

  mutating func validate() throws {
    guard let limit else { return }
    guard let byteCount = Self.byteCount(limit) else {
      throw ValidationError("--memory-limit '\(limit)' is not a size; give a number with K, M or G, such as 4G.")
    }
    MemoryLimit.set(byteCount)
  }

  /// The bytes that a number means, with K, M, G or T for powers of 1,024.
  private static func byteCount(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }, unit = text.dropFirst(digits.count).uppercased()
    guard let number = Int(digits), number > 0,
      let power = ["", "K", "M", "G", "T"].firstIndex(where: { [$0, $0 + "B", $0 + "IB"].contains(unit) })
    else { return nil }
    let (product, overflows) = number.multipliedReportingOverflow(by: 1 << (10 * power))
    return overflows ? nil : product
  }
}
