extension [Double] {
  /// The middle value, of an even count the mean of the two in the middle.
  ///
  /// - Precondition: there is a value.
  var median: Double {
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
