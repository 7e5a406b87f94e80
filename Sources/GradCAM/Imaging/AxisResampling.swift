/// What makes new positions along one axis of others.
protocol AxisResampling {
  /// The number of new positions.
  var count: Int { get }

  /// The values along one axis of outer × count × inner.
  func applied(to values: [Float], count: Int, outer: Int, inner: Int) -> [Float]
}

extension HeatMap {
  /// First along the innermost axis, such as a picture's rows; 0 where the map does not cover the output.
  ///
  /// - Parameter axes: the outermost first; those that the map does not have are of one position.
  func resampled(_ axes: [some AxisResampling]) -> HeatMap {
    precondition(axes.count >= size.rank)
    var extents = [Int](repeating: 1, count: axes.count - size.rank) + size.extents, values = values
    for axis in axes.indices.reversed() {
      let inner = extents[(axis + 1)...].reduce(1, *), outer = extents[..<axis].reduce(1, *)
      values = axes[axis].applied(to: values, count: extents[axis], outer: outer, inner: inner)
      extents[axis] = axes[axis].count
    }
    return HeatMap(PixelSize(extents: extents), values: values)
  }
}
