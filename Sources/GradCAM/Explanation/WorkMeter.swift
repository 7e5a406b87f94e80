/// Measures progress over pieces of work of known sizes.
final class WorkMeter {
  private let total: Int
  private let report: (Double) -> Void
  private var finished = 0
  private var current = 0
  private var size = 0

  /// - Parameters:
  ///   - total: the sizes of all pieces together.
  ///   - report: receives the fraction done, from 0 to 1.
  init(_ total: Int, report: @escaping (Double) -> Void) {
    self.total = total
    self.report = report
  }

  /// Does the next piece.
  func measure<Result>(_ size: Int, _ work: () throws -> Result) rethrows -> Result {
    (current, self.size) = (0, size)
    defer {
      finished += size
      (current, self.size) = (0, 0)
      tell()
    }
    return try work()
  }

  /// Records progress in the current piece.
  func advance(_ count: Int) {
    current = min(current + count, size)
    tell()
  }

  private func tell() { report(Double(finished + current) / Double(max(total, 1))) }
}
