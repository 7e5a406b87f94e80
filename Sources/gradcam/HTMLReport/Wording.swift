/// The sign of the one at a position: A, B … Z, A1 ….
func letter(_ index: Int) -> String {
  String(UnicodeScalar(UInt8(65 + index % 26))) + (index < 26 ? "" : "\(index / 26)")
}

/// A count with its noun, such as `1 image` or `3 images`.
func counted(_ count: Int, _ noun: String) -> String { count == 1 ? "1 \(noun)" : "\(count) \(noun)s" }

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
func enumerated(_ names: [String]) -> String {
  guard names.count > 1 else { return names.first ?? "" }
  return names.dropLast().joined(separator: ", ") + " and " + names.last!
}

/// A number for readers, with a minus sign rather than a hyphen.
func typeset(_ value: Double, _ places: Int) -> String {
  let text = decimal(value, places)
  return text.hasPrefix("-") ? "−" + text.dropFirst() : text
}

/// A positive number with three significant digits, and all digits before the point.
func typesetBriefly(_ value: Double) -> String {
  switch value {
  case ..<0.1: typeset(value, 3)
  case ..<10: typeset(value, 2)
  case ..<100: typeset(value, 1)
  default: typeset(value, 0)
  }
}

/// Each path's shortest suffix of whole components that no other path has.
func distinctEnds(of paths: [String]) -> [String] {
  let components = paths.map { $0.split(separator: "/") }
  return components.map { own in
    let others = components.filter { $0 != own }
    let length = own.indices.dropFirst().first { length in
      !others.contains { $0.suffix(length) == own.suffix(length) }
    }
    return own.suffix(length ?? own.count).joined(separator: "/")
  }
}

extension Sequence<Double?> {
  /// The mean of the values that are defined; nil if there are none.
  var mean: Double? {
    let defined = compactMap { $0 }
    return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
  }
}
