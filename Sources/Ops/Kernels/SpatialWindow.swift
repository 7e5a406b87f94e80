import CKernels
import Graph

/// The attributes that convolutions and pools share: how a window slides over the spatial dimensions.
struct WindowAttributes: Sendable {
  enum AutoPad: String, CaseIterable {
    case notSet = "NOTSET", sameUpper = "SAME_UPPER", sameLower = "SAME_LOWER", valid = "VALID"
  }

  var autoPad = AutoPad.notSet
  var kernel: [Int]?
  var strides: [Int]?
  var dilations: [Int]?
  var pads: [Int]?
  var ceilMode = false

  init(_ reader: inout AttributeReader) throws {
    autoPad = try reader.choice("auto_pad", default: .notSet)
    kernel = try reader.ints("kernel_shape")
    strides = try reader.ints("strides")
    dilations = try reader.ints("dilations")
    pads = try reader.ints("pads")
  }

  /// The window over an input of shape (N, C, spatial…).
  ///
  /// Throws `badData` if ranks or extents do not fit, `unsupported` for more than three spatial dimensions.
  func resolve(input: Shape, kernel: [Int]) throws -> SpatialWindow {
    let rank = input.rank - 2
    guard (1...3).contains(rank) else {
      throw GradCAMError(
        .unsupported, problem: "a window over an input of shape \(input): 1 to 3 spatial dimensions are supported")
    }
    let strides = self.strides ?? Array(repeating: 1, count: rank)
    let dilations = self.dilations ?? Array(repeating: 1, count: rank)
    var pads = self.pads ?? Array(repeating: 0, count: 2 * rank)
    guard kernel.count == rank, strides.count == rank, dilations.count == rank, pads.count == 2 * rank else {
      throw GradCAMError(
        .badData, problem: "kernel, strides, dilations or pads do not have \(rank) dimensions like the input \(input)")
    }
    let limit = 1 << 24
    guard (kernel + strides + dilations).allSatisfy({ (1...limit).contains($0) }),
      pads.allSatisfy({ (0...limit).contains($0) })
    else {
      throw GradCAMError(
        .badData, problem: "kernel, strides and dilations must be positive, pads not negative, and none too large")
    }

    var output: [Int] = [], kernel = kernel
    for axis in 0..<rank {
      let extent = input[axis + 2], reach = (kernel[axis] - 1) * dilations[axis] + 1
      if autoPad == .sameUpper || autoPad == .sameLower {
        let wanted = (extent + strides[axis] - 1) / strides[axis]
        let total = max(0, (wanted - 1) * strides[axis] + reach - extent)
        let before = autoPad == .sameUpper ? total / 2 : total - total / 2
        pads[axis] = before
        pads[axis + rank] = total - before
      } else if autoPad == .valid {
        (pads[axis], pads[axis + rank]) = (0, 0)
      }
      let padded = extent + pads[axis] + pads[axis + rank], span = padded - reach, stride = strides[axis]
      // In ceil mode, the last window may extend past the end but must start inside the input or the padding before it.
      var count = (span + (ceilMode ? stride - 1 : 0)).flooringQuotient(by: stride) + 1
      if ceilMode, (count - 1) * stride >= extent + pads[axis] { count -= 1 }
      guard count > 0 else {
        throw GradCAMError(
          .badData, problem: "the window of \(reach) does not fit into the padded input \(input)",
          advice: "use a larger image")
      }
      output.append(count)
      // Cells past the padding take no part in any window.
      if ceilMode { kernel[axis] = min(kernel[axis], max(0, padded - 1) / dilations[axis] + 1) }
    }

    return try SpatialWindow(
      input: Array(input.dimensions[2...]), output: output, kernel: kernel, strides: strides, dilations: dilations,
      pads: pads)
  }
}

/// A window with all extents known.
struct SpatialWindow: Sendable {
  /// The window in three dimensions, as kernels take it.
  let raw: sliding_window
  /// The output's spatial extents in the operator's own dimensions.
  let output: [Int]

  /// A window of given extents; `pads` holds the padding before each axis, then after each axis.
  ///
  /// Throws `unsupported` for more than three spatial dimensions.
  init(input: [Int], output: [Int], kernel: [Int], strides: [Int], dilations: [Int], pads: [Int]) throws {
    let rank = input.count
    guard (1...3).contains(rank) else {
      throw GradCAMError(.unsupported, problem: "a window over \(rank) spatial dimensions: 1 to 3 are supported")
    }
    func spread(_ values: ArraySlice<Int>, filling: Int) -> (Int64, Int64, Int64) {
      let padded = Array(repeating: Int64(filling), count: 3 - rank) + values.map(Int64.init)
      return (padded[0], padded[1], padded[2])
    }
    var window = sliding_window()
    window.input = spread(input[...], filling: 1)
    window.output = spread(output[...], filling: 1)
    window.kernel = spread(kernel[...], filling: 1)
    window.stride = spread(strides[...], filling: 1)
    window.dilation = spread(dilations[...], filling: 1)
    window.pad = spread(pads[..<rank], filling: 0)
    window.pad_end = spread(pads[rank...], filling: 0)
    raw = window
    self.output = output
  }

  /// What the window does to the axes of its input.
  var axes: AxisMapping {
    func suffix(_ numbers: (Int64, Int64, Int64)) -> ArraySlice<Int64> {
      [numbers.0, numbers.1, numbers.2].suffix(output.count)
    }
    let reaches = zip(suffix(raw.kernel), suffix(raw.dilation)).map { ($0 - 1) * $1 + 1 }, steps = suffix(raw.stride)
    let starts = zip(zip(reaches, steps), suffix(raw.pad)).map { Double($0.0 - $0.1) / 2 - Double($1) }
    return .windows(starts: starts, steps: steps.map(Int.init))
  }

  var inputVolume: Int { Self.product(raw.input) }
  var outputVolume: Int { Self.product(raw.output) }
  var kernelVolume: Int { Self.product(raw.kernel) }

  /// Whether every output depends only on the input at its own position.
  var isPointwise: Bool {
    kernelVolume == 1 && Self.product(raw.stride) == 1 && raw.pad == (0, 0, 0) && raw.pad_end == (0, 0, 0)
  }

  /// Whether there is one window, over exactly the whole input.
  var coversInput: Bool {
    outputVolume == 1 && raw.kernel == raw.input && raw.dilation == (1, 1, 1) && raw.pad == (0, 0, 0)
      && raw.pad_end == (0, 0, 0)
  }

  /// Whether the window is 3 × 3 in height and width, has stride 1 and is not dilated.
  var isDense3x3: Bool {
    raw.kernel == (1, 3, 3) && raw.stride == (1, 1, 1) && raw.dilation == (1, 1, 1) && raw.input.0 == 1
      && raw.pad.0 == 0 && raw.pad_end.0 == 0
  }

  /// Whether there is no depth to slide over.
  var isFlat: Bool { raw.input.0 == 1 && raw.kernel.0 == 1 && raw.output.0 == 1 && raw.pad.0 == 0 }

  private static func product(_ extents: (Int64, Int64, Int64)) -> Int { Int(extents.0 * extents.1 * extents.2) }
}

extension Int {
  /// The quotient by a positive number, rounded down.
  fileprivate func flooringQuotient(by divisor: Int) -> Int { (self - (self % divisor + divisor) % divisor) / divisor }
}
