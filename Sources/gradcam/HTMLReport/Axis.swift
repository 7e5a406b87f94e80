import Graph

/// An axis that covers some numbers, linear or logarithmic.
struct Axis {
  /// The numbers written beside it, from its start to its end.
  let ticks: [Double]
  private let isLogarithmic: Bool

  /// - Parameter spansFactors: whether the axis is logarithmic if the numbers differ more than tenfold.
  /// - Precondition: there is at least one number, and all are finite.
  init(_ values: [Double], spansFactors: Bool = false) {
    var least = values.min()!, most = values.max()!
    isLogarithmic = spansFactors && least > 0 && most > 10 * least
    if isLogarithmic {
      let decades = Int(log10(least).rounded(.down))...Int(log10(most).rounded(.up))
      let round = decades.flatMap { decade in [1, 2, 5].map { $0 * pow(10, Double(decade)) } }
      let from = round.lastIndex { $0 <= least }!, to = round.firstIndex { $0 >= most }!
      ticks = Array(round[from...to])
    } else {
      if least == most {
        let margin = max(abs(most), 1) / 4
        (least, most) = (least - margin, most + margin)
      }
      let rough = (most - least) / 4, decade = pow(10, log10(rough).rounded(.down))
      let step = [1, 2, 5, 10].map { $0 * decade }.first { $0 >= rough }!
      let from = Int((least / step).rounded(.down)), to = Int((most / step).rounded(.up))
      ticks = (from...to).map { Double($0) * step }
    }
  }

  /// Where a number lies: 0 at the start, 1 at the end.
  func place(_ value: Double) -> Double {
    let ends = (scaled(ticks[0]), scaled(ticks.last!))
    return (scaled(value) - ends.0) / (ends.1 - ends.0)
  }

  /// The label of a tick.
  func text(_ tick: Double) -> String {
    let steps = isLogarithmic ? tick : ticks[1] - ticks[0]
    return typeset(tick, max(0, -Int(log10(steps * 1.001).rounded(.down))))
  }

  private func scaled(_ value: Double) -> Double { isLogarithmic ? log10(value) : value }
}
