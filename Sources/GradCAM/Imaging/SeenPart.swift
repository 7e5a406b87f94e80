extension Picture {
  package var size: PixelSize { PixelSize(width: width, height: height) }
}

extension HeatMap {
  /// The values, NaN outside of what is seen.
  public var valuesWhereSeen: [Float] { seen.map { values(in: $0, elsewhere: .nan) } ?? values }

  /// The values in a part that lies inside, and another everywhere else.
  func values(in seen: PixelRectangle, elsewhere other: Float) -> [Float] {
    guard seen.size != size else { return values }
    var result = [Float](repeating: other, count: values.count)
    for y in seen.y..<seen.y + seen.size.height {
      let row = y * width + seen.x..<y * width + seen.x + seen.size.width
      result.replaceSubrange(row, with: values[row])
    }
    return result
  }
}

extension PixelRectangle {
  /// The same part of a picture of another size.
  package func scaled(from old: PixelSize, to new: PixelSize) -> PixelRectangle {
    func scaled(_ place: Int, _ old: Int, _ new: Int) -> Int { (2 * place * new + old) / (2 * old) }
    let (left, top) = (scaled(x, old.width, new.width), scaled(y, old.height, new.height))
    return PixelRectangle(
      x: left, y: top, width: scaled(x + size.width, old.width, new.width) - left,
      height: scaled(y + size.height, old.height, new.height) - top)
  }
}
