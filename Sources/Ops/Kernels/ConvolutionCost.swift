import CKernels

/// The expected cost of a convolution, for the choice of its algorithm.
///
/// The numbers are nanoseconds on one thread; only their ratios matter. scripts/measure-convolution-costs.sh prints
/// them.
enum ConvolutionCost {
  /// A multiply-add of a packed product.
  private static let multiplyAdd = 0.0174
  /// A float of a panel of windows.
  private static let window = 0.25
  /// A float of the input in Winograd's form.
  private static let inputCell = 0.17
  /// A float of the output in Winograd's form.
  private static let outputCell = 0.13
  /// A weight read from main memory, beyond what multiply-adds hide of it.
  private static let weightRead = 0.13

  /// A 3 × 3 convolution of one image as a product with its windows.
  static func windows(inputs: Int, outputs: Int, positions: Int) -> Double {
    let depth = Double(9 * inputs), outputs = rounded(outputs, Int(product_rows()))
    let leftOver = positions % Int(product_lanes())
    let columns = leftOver <= Int(product_single_columns) ? Double(positions) : rounded(positions, Int(product_lanes()))
    return outputs * depth * (columns * multiplyAdd + weightRead) + depth * Double(positions) * window
  }

  /// The same in Winograd's form, with the given numbers of cells of a tile and of tile positions.
  static func winograd(cells: Int, inputs: Int, outputs: Int, places: Int) -> Double {
    let places = rounded(places, Int(product_lanes()))
    let products = rounded(outputs, Int(product_rows())) * Double(inputs) * (places * multiplyAdd + weightRead)
    return Double(cells) * (products + places * (Double(inputs) * inputCell + Double(outputs) * outputCell))
  }

  private static func rounded(_ count: Int, _ multiple: Int) -> Double {
    Double((count + multiple - 1) / multiple * multiple)
  }
}
