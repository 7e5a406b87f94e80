import Graph

let regionPoolingOperators: [OperatorEntry] = [OperatorEntry("MaxRoiPool", inputs: 2...2, make: MaxRoiPool.make)]

/// The maximum over each bin of regions: Girshick, Fast R-CNN, 2015.
///
/// A region's five numbers are its batch item and its corners x₁, y₁, x₂, y₂, both included once they are scaled and
/// rounded. A bin that lies outside of the plane has the value 0.
struct MaxRoiPool: DifferentiableOperator {
  let height, width: Int
  let scale: Float
  let locatingInputs: Set<Int> = [1]

  /// The first axis of the result counts regions.
  func axes(_ inputs: NodeInputs) -> AxisMapping { .kept(rank: 4, except: [0, 2, 3]) }

  /// Regions are taken as they are.
  func passesGradients(to input: Int) -> Bool { input == 0 }

  static func make(_ reader: inout AttributeReader) throws -> Self {
    let extents = try reader.ints("pooled_shape") ?? []
    guard extents.count == 2, extents.allSatisfy({ $0 >= 1 }) else {
      throw GradCAMError(.badData, at: "attribute 'pooled_shape'", problem: "is not a height and a width")
    }
    return MaxRoiPool(height: extents[0], width: extents[1], scale: try reader.float("spatial_scale", default: 1))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0), regions = try inputs.required(1)
    guard x.shape.rank == 4, x.shape.count > 0, regions.shape.rank == 2, regions.shape[1] == 5,
      x.elementType.isFloatingPoint, regions.elementType.isFloatingPoint
    else {
      throw GradCAMError(.badData, problem: "regions of shape \(regions.shape) do not fit a tensor of shape \(x.shape)")
    }
    return [ValueInfo(x.elementType, try Shape(checked: [regions.shape[0], x.shape[1], height, width]))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let x = try inputs.required(0).shape, regions = try inputs.required(1).shape[0]
    return Kernel("region maxima") { run in
      try forEachMaximum(of: run.input(0), x, regions: run.input(1), regions, pool: run.pool) { bin, place in
        run.output(0)[bin] = place.map { run.input(0)[$0] } ?? 0
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let x = try inputs.required(0).shape, regions = try inputs.required(1).shape[0]
    return GradientRule("region maxima", readsInputs: [0, 1]) { run in
      let dx = run.inputGradient(0)
      clear(dx, byteCount: x.count * MemoryLayout<Float>.size, pool: run.pool)
      // Channels do not share elements.
      try forEachMaximum(of: run.input(0), x, regions: run.input(1), regions, pool: run.pool) { bin, place in
        if let place { dx[place] += run.outputGradient[bin] }
      }
    }
  }

  /// Calls `body` with every bin of the result and the place of its maximum in the input.
  ///
  /// Of equal elements it is the first; nil for a bin without elements. Several threads call it, each for channels of
  /// its own.
  private func forEachMaximum(
    of x: UnsafePointer<Float>, _ shape: Shape, regions: UnsafePointer<Float>, _ count: Int, pool: ThreadPool,
    _ body: (_ bin: Int, _ place: Int?) -> Void
  ) throws {
    let channels = shape[1], plane = shape[2] * shape[3]
    let bins = try (0..<count).map { index in
      let region = UnsafeBufferPointer(start: regions + index * 5, count: 5)
      guard let item = Int(exactly: region[0].rounded()), (0..<shape[0]).contains(item) else {
        throw GradCAMError(.badData, problem: "region \(index) lies in batch item \(region[0]), which does not exist")
      }
      return (
        item: item, rows: try ranges(region[2], region[4], height, extent: shape[2], index),
        columns: try ranges(region[1], region[3], width, extent: shape[3], index)
      )
    }
    pool.parallelRanges(channels, grain: 1) { range in
      for channel in range {
        for (index, region) in bins.enumerated() {
          let start = (region.item * channels + channel) * plane
          for (row, rows) in region.rows.enumerated() {
            for (column, columns) in region.columns.enumerated() {
              var best: Int?
              for y in rows {
                for place in start + y * shape[3] + columns.lowerBound..<start + y * shape[3] + columns.upperBound
                where best == nil || x[place] > x[best!] { best = place }
              }
              body(((index * channels + channel) * height + row) * width + column, best)
            }
          }
        }
      }
    }
  }

  /// The elements of each bin along one axis.
  private func ranges(_ low: Float, _ high: Float, _ bins: Int, extent: Int, _ region: Int) throws -> [Range<Int>] {
    let first = (low * scale).rounded(), last = (high * scale).rounded()
    guard abs(first) < 0x1p24, abs(last) < 0x1p24 else {
      throw GradCAMError(.badData, problem: "region \(region), from \(low) to \(high), is out of range")
    }
    let size = max(last - first + 1, 1) / Float(bins)
    func clamped(_ place: Float) -> Int { max(0, min(extent, Int(place + first))) }
    return (0..<bins).map { bin in
      let start = clamped((Float(bin) * size).rounded(.down)), end = clamped((Float(bin + 1) * size).rounded(.up))
      return start..<max(start, end)
    }
  }
}
