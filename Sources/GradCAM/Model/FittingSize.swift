import Graph

extension Model {
  /// A size that the network admits if its file leaves the size open: the guess, if shapes can be inferred for it, else
  /// one that fits what the network fixes inside, such as position embeddings or a classifier over all positions.
  ///
  /// The guess, too, if no size changes what is wrong. Of several in a row, one that patches of equal size cover exactly,
  /// else the one that most powers of two divide.
  /// Throws what is wrong with the guess, asking for a size, if others fail otherwise but all do.
  func fittingSize(_ guess: PixelSize, inputs: [String: ValueInfo] = [:]) throws -> PixelSize {
    guard imageShape.rank == 2 else { return try fittingSize(ofAny: inputs) }
    let search = SizeSearch(model: self, inputs: inputs)
    guard let failure = search.failure(at: guess), search.dependsOnSize(failure) else { return guess }
    if let found = search.found() { return found }
    var error = GradCAMError(
      failure.kind, problem: failure.problem,
      advice: "the file leaves the input's size open, and \(guess) was assumed; give \(.size, as: "WxH")")
    error.place = ["\(path)"] + failure.place
    throw error
  }
}

extension Model {
  /// Extents of a signal or of a volume that the network admits, the usual ones first.
  ///
  /// Throws what is wrong with the first ones if all fail.
  private func fittingSize(ofAny inputs: [String: ValueInfo]) throws -> PixelSize {
    let lengths = [1000, 1024, 5000, 4096, 2048, 500, 256, 128, 8000, 16_000, 32_000, 64_000]
    let volumes = [112, 64, 96, 128, 32, 160, 224].flatMap { side in [16, side, 32, 8].map { [$0, side, side] } }
    let sizes = (imageShape.rank == 1 ? lengths.map { [$0] } : volumes).map {
      imageShape.fixing(PixelSize(extents: $0))
    }
    let search = SizeSearch(model: self, inputs: inputs)
    if let found = sizes.first(where: { search.failure(at: $0) == nil }) { return found }
    return sizes[0]
  }
}

/// Tries sizes.
private struct SizeSearch {
  let model: Model
  let inputs: [String: ValueInfo]

  /// Sizes that networks are published for.
  private static let usual = [
    384, 256, 336, 448, 512, 518, 192, 160, 128, 112, 96, 64, 48, 32, 28, 240, 280, 299, 320, 416, 480, 560, 600, 640,
    768, 896, 1024,
  ]

  /// What is wrong with a size; nil if it fits.
  func failure(at size: PixelSize) -> GradCAMError? {
    do {
      _ = try model.inferred(size: size, inputs: inputs, reaching: [model.head.output, model.head.logits])
      return nil
    } catch let error as GradCAMError { return error } catch { return GradCAMError(.defect, problem: "\(error)") }
  }

  /// Whether an error is another one at other sizes, or none.
  func dependsOnSize(_ failure: GradCAMError) -> Bool {
    [32, 96, 160].contains { self.failure(at: size($0, $0))?.description != failure.description }
  }

  func found() -> PixelSize? {
    let squares = Self.usual + stride(from: 8, through: 1024, by: 4)
    let side = squares.first { fits(size($0, $0)) }
    if let side, !(fits(size(2 * side, side)) && !fits(size(side, 2 * side))) {
      return best(from: side) { size($0, $0) }
    }
    // Lines of text: any width, few heights.
    guard model.imageShape.height == nil else { return nil }
    let heights = [48, 32, 64] + stride(from: 8, through: 128, by: 4)
    return heights.first { fits(size(320, $0)) }.map { size(320, $0) }
  }

  private func size(_ width: Int, _ height: Int) -> PixelSize {
    PixelSize(width: model.imageShape.width ?? width, height: model.imageShape.height ?? height)
  }

  private func fits(_ size: PixelSize) -> Bool { failure(at: size) == nil }

  /// The best of the extents in a row that fit.
  private func best(from extent: Int, _ size: (Int) -> PixelSize) -> PixelSize {
    var low = extent, high = extent
    while low > 1, extent - low < 64, fits(size(low - 1)) { low -= 1 }
    if low == extent { return size(extent) }
    while high - extent < 64, fits(size(high + 1)) { high += 1 }
    let step = high - low + 1
    if low.isMultiple(of: step) { return size(low) }
    return size((low...high).max { ($0.trailingZeroBitCount, $0) < ($1.trailingZeroBitCount, $1) }!)
  }
}
