extension [Double] {
  /// The middle value; for an even count, the mean of the two in the middle.
  ///
  /// - Precondition: the array is not empty.
  var median: Double {
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
