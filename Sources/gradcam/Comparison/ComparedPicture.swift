import GradCAM

/// A picture as pages and grids show it.
struct ComparedPicture {
  /// The picture's own size.
  let size: PixelSize
  /// The size on a page.
  let pageSize: PixelSize
  /// A JPEG file of it, small enough for a page.
  let photograph: [UInt8]
  /// The picture at the size of a grid cell.
  let cell: Picture

  /// The longer side of pictures on a page.
  private static let pageSide = 512
  /// The shorter side of maps that are compared.
  private static let comparedSide = 224

  /// Throws what resizing and encoding throw.
  init(_ picture: Picture) throws {
    size = picture.size
    pageSize = size.scaled(by: min(1, Double(Self.pageSide) / Double(max(size.width, size.height))))
    let small = PictureGrid.cellSize(for: size)
    photograph = try picture.resized(width: pageSize.width, height: pageSize.height).encoded(for: "photograph.jpg")
    cell = try picture.resized(width: small.width, height: small.height)
  }

  /// The size at which maps over the picture are compared.
  var comparedSize: PixelSize {
    size.scaled(by: min(1, Double(Self.comparedSide) / Double(min(size.width, size.height))))
  }
}

extension PixelSize {
  fileprivate func scaled(by scale: Double) -> PixelSize {
    func scaled(_ length: Int) -> Int { max(1, Int((Double(length) * scale).rounded())) }
    return PixelSize(width: scaled(width), height: scaled(height))
  }
}
