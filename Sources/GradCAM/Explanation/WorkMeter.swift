/// Measures progress over pieces of work of known sizes.
final class WorkMeter {
  private let total: Int
  private let report: (Double) throws -> Void
  private var finished = 0
  private var current = 0
  private var size = 0

  /// - Parameters:
  ///   - total: the sizes of all pieces together.
  ///   - report: receives the fraction done, from 0 to 1; what it throws ends the work.
  init(_ total: Int, report: @escaping (Double) throws -> Void) {
    self.total = total
    self.report = report
  }

  /// Does the next piece.
  func measure<Result>(_ size: Int, _ work: () throws -> Result) throws -> Result {
    (current, self.size) = (0, size)
    defer {
      finished += size
      (current, self.size) = (0, 0)
    }
    let result = try work()
    current = size
    try tell()
    return result
  }

  /// Records progress in the current piece.
  func advance(_ count: Int) throws {
    current = min(current + count, size)
    try tell()
  }

  private func tell() throws { try report(Double(finished + current) / Double(max(total, 1))) }
}
