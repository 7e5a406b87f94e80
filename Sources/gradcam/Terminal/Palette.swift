import GradCAM

/// The few colours that stand for those of a picture.
///
/// Colours that share their five highest bits are one. The one box around all colours is cut until there are enough boxes:
/// each time the box whose colours spread most, at its mean along the channel in which they do. A box's mean stands for
/// its colours.
struct Palette {
  /// Red, green and blue of each.
  let colors: [[UInt8]]
  /// For each pixel, the index of its colour.
  let indices: [UInt8]

  /// - Parameter count: how many colours there may be, 1 … 256.
  init(_ picture: Picture, count: Int) {
    precondition(1...256 ~= count)
    let pixels = picture.pixels
    var bins = [Bin](repeating: Bin(), count: 1 << 15)
    for pixel in stride(from: 0, to: pixels.count, by: 3) {
      bins[Self.bin(of: pixels, at: pixel)].add(pixels, at: pixel)
    }
    var boxes = [Box(bins.indices.filter { bins[$0].count > 0 }, bins)]
    while boxes.count < count {
      let widest = boxes.indices.max { boxes[$0].spread < boxes[$1].spread }!
      guard boxes[widest].spread > 0 else { break }
      let (lower, upper) = boxes[widest].cut(bins)
      boxes[widest] = lower
      boxes.append(upper)
    }
    var colorOfBin = [UInt8](repeating: 0, count: bins.count)
    for (index, box) in boxes.enumerated() { for bin in box.bins { colorOfBin[bin] = UInt8(index) } }
    colors = boxes.map { box in box.mean.map { UInt8($0.rounded()) } }
    indices = stride(from: 0, to: pixels.count, by: 3).map { colorOfBin[Self.bin(of: pixels, at: $0)] }
  }

  private static func bin(of pixels: [UInt8], at pixel: Int) -> Int {
    Int(pixels[pixel] >> 3) << 10 | Int(pixels[pixel + 1] >> 3) << 5 | Int(pixels[pixel + 2] >> 3)
  }

  /// The pixels whose colours are one.
  private struct Bin {
    private(set) var count = 0
    /// The sums of red, green and blue.
    private(set) var sums = SIMD3<Int>.zero

    mutating func add(_ pixels: [UInt8], at pixel: Int) {
      count += 1
      sums &+= SIMD3(Int(pixels[pixel]), Int(pixels[pixel + 1]), Int(pixels[pixel + 2]))
    }

    /// The mean of a channel.
    func mean(_ channel: Int) -> Double { Double(sums[channel]) / Double(count) }
  }

  /// Some of the bins.
  private struct Box {
    let bins: [Int]
    /// The mean of each channel over all pixels.
    let mean: [Double]
    /// The channel in which the colours spread most.
    private let channel: Int
    /// The sum of their squared distances from the mean in it; 0 for a single bin.
    let spread: Double

    init(_ bins: [Int], _ all: [Bin]) {
      self.bins = bins
      let count = bins.reduce(0) { $0 + all[$1].count }
      let mean = (0..<3).map { channel in Double(bins.reduce(0) { $0 + all[$1].sums[channel] }) / Double(count) }
      let spreads = (0..<3).map { channel in
        bins.reduce(0.0) { sum, bin in
          let distance = all[bin].mean(channel) - mean[channel]
          return sum + Double(all[bin].count) * distance * distance
        }
      }
      self.mean = mean
      channel = (0..<3).max { spreads[$0] < spreads[$1] }!
      spread = bins.count > 1 ? spreads[channel] : 0
    }

    /// Its two parts, on both sides of the mean: neither is empty, because `spread` is not 0.
    func cut(_ all: [Bin]) -> (Box, Box) {
      let lower = bins.filter { all[$0].mean(channel) < mean[channel] }
      let upper = bins.filter { all[$0].mean(channel) >= mean[channel] }
      return (Box(lower, all), Box(upper, all))
    }
  }
}
