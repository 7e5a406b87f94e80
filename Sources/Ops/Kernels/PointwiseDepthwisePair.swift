import CKernels
import Graph

/// A 1 × 1 convolution whose channels are filtered while they are in cache, a few at a time.
///
/// What lies between the two convolutions is several times as large as what lies around them; it is never written to
/// memory, and no thread reads what another has expanded.
struct PointwiseDepthwisePair: Sendable {
  private let batch, channels: Int
  /// The panels of channels.
  private let panels: Int
  /// The window of the depthwise convolution.
  private let window: SpatialWindow
  private let order: DepthOrder
  /// The bands of rows that an image is split into, so that the channels of one panel fit the cache.
  private let bands: Int
  /// The groups of channels, in whole panels, that a band is split into: a task each.
  private let groups: Int

  /// The floats of expanded channels that a task keeps in the second-level cache.
  private static let cachedCount = 1 << 16

  private static var height: Int { Int(product_rows()) }
  private static var width: Int { Int(product_columns()) }

  init(pointwise: ConvolutionProblem, depthwise: ConvolutionProblem, threadCount: Int) {
    batch = depthwise.batch
    channels = depthwise.inputChannels
    window = depthwise.window
    order = DepthOrder(channels: pointwise.inputChannels)
    let rows = Int(window.raw.output.1), panel = max(Self.height * window.inputVolume, 1)
    func multiple(_ count: Int) -> Int { (count + threadCount - 1) / threadCount * threadCount }
    bands = panel <= Self.cachedCount ? 1 : max(1, min(multiple((panel - 1) / Self.cachedCount + 1), rows / 8))
    panels = (channels + Self.height - 1) / Self.height
    let fitting = max(1, Self.cachedCount * bands / panel)
    groups = min(panels, multiple((panels + fitting - 1) / fitting))
  }

  /// The expanded channels of a task, each with room for a whole plane, and what may be read around them.
  private var areaCount: Int { (groupHeight * window.inputVolume + 2 * Self.slack + 15) & ~15 }
  private var groupHeight: Int { (panels + groups - 1) / groups * Self.height }
  /// The floats around the expanded channels that may be read: as far as most filters reach beyond a plane.
  private static let slack = 256

  /// The floats of a task's expanded channels and of the scratch memory of either kernel.
  var workerScratchCount: Int {
    let filter = Int(withUnsafePointer(to: window.raw) { depthwise_scratch($0) })
    return areaCount + max(filter, Self.width * order.blockDepth)
  }

  /// - Parameter weights: those of the 1 × 1 convolution, packed.
  func run(
    x: UnsafePointer<Float>, weights: UnsafePointer<Float>, filters: UnsafePointer<Float>,
    y: UnsafeMutablePointer<Float>, epilogues: (pointwise: Epilogue, depthwise: Epilogue),
    workerScratch: WorkerScratch, _ pool: ThreadPool
  ) {
    let inputPlane = window.inputVolume, outputPlane = window.outputVolume, inputs = order.channels
    pool.parallelFor(batch * bands * groups) { task, worker in
      let image = task / (bands * groups), band = task / groups % bands
      let own = evenPart(task % groups, of: groups, of: panels)
      let first = own.lowerBound * Self.height, count = min(channels, own.upperBound * Self.height) - first
      let rows = evenPart(band, of: bands, of: Int(window.raw.output.1))
      let expanded = workerScratch[worker] + Self.slack, scratch = workerScratch[worker] + areaCount
      expand(
        x + image * inputs * inputPlane, PackedLeft(packed: weights + first * order.depth), count,
        positions: positions(of: rows), epilogues.pointwise.advanced(channels: first, plane: 0), into: expanded,
        scratch)
      filter(
        expanded, filters + first * window.kernelVolume, count, rows: rows,
        epilogues.depthwise.advanced(channels: first, plane: outputPlane).advanced(
          by: image * channels * outputPlane), into: y + (image * channels + first) * outputPlane, scratch)
    }
  }

  /// The positions of the input that some rows of the output depend on.
  private func positions(of rows: Range<Int>) -> Range<Int> {
    let raw = window.raw, height = Int(raw.input.1), width = Int(raw.input.2)
    let first = rows.lowerBound * Int(raw.stride.1) - Int(raw.pad.1)
    let reach = (Int(raw.kernel.1) - 1) * Int(raw.dilation.1) + 1
    let end = (rows.upperBound - 1) * Int(raw.stride.1) - Int(raw.pad.1) + reach
    let start = min(max(0, first), height)
    return start * width..<max(start, min(height, end)) * width
  }

  /// Some channels of the 1 × 1 convolution, at some positions of the image.
  private func expand(
    _ x: UnsafePointer<Float>, _ weights: PackedLeft, _ count: Int, positions: Range<Int>, _ epilogue: Epilogue,
    into area: UnsafeMutablePointer<Float>, _ panel: UnsafeMutablePointer<Float>
  ) {
    let plane = window.inputVolume
    for block in order.blocks {
      for column in stride(from: positions.lowerBound, to: positions.upperBound, by: Self.width) {
        let columns = min(Self.width, positions.upperBound - column)
        let right = RightRows(
          x + block.lowerBound * plane + column, leading: plane, depth: block.count, count: columns, panel: panel)
        weights.multiply(
          0..<count, block, of: order, by: right, columns: columns, into: area + column, leading: plane,
          epilogue: epilogue)
      }
    }
    epilogue.activate(area + positions.lowerBound, rows: count, columns: positions.count, leading: plane)
  }

  /// Some rows of the depthwise convolution of as many channels.
  private func filter(
    _ area: UnsafePointer<Float>, _ filters: UnsafePointer<Float>, _ count: Int, rows: Range<Int>,
    _ epilogue: Epilogue, into y: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let width = Int(window.raw.output.2), plane = window.outputVolume
    var planes = depthwise_planes(
      first: 0, last: Int64(count), channels: Int64(count), per_input: 1, first_row: Int64(rows.lowerBound),
      last_row: Int64(rows.upperBound), start: area - Self.slack,
      end: area + count * window.inputVolume + Self.slack)
    var tile = epilogue.tile(leading: width)
    withUnsafePointer(to: window.raw) { raw in
      depthwise(area, filters, raw, &planes, &tile, y, scratch)
    }
    for channel in 0..<count {
      epilogue.activate(
        y + channel * plane + rows.lowerBound * width, rows: rows.count, columns: width, leading: width)
    }
  }
}
