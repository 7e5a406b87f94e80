import ArgumentParser
import Graph

/// How many threads are used.
struct ThreadOptions: ParsableArguments {
  @Option(name: .customLong("threads"), help: ArgumentHelp("Threads; all cores by default.", valueName: "N"))
  var count: Int?

  /// How many are used.
  var used: Int { count ?? ThreadPool.usualThreadCount }

  mutating func validate() throws {
    if let count, !(1...1024).contains(count) { throw ValidationError("--threads must be 1 to 1024.") }
  }
}
