import Graph

/// What is drawn of an input that is no picture.
public struct InputView: Sendable {
  /// The channels, from 1; empty for the usual ones.
  ///
  /// Three are red, green and blue, one is grey; of a signal, each is a curve. The usual ones are the colours of an input
  /// of three channels, else the mean of all; of a signal, the first 16.
  public var channels: [Int]
  /// The samples per second of a signal; nil for what its file says.
  public var rate: Double?

  /// The most curves that are drawn unless they are asked for.
  static let curveCount = 16

  /// A view of the usual channels.
  public init(channels: [Int] = [], rate: Double? = nil) { (self.channels, self.rate) = (channels, rate) }

  /// Throws `usage` if an input does not have the channels, or if they are no colours.
  public func check(_ input: ImageShape) throws {
    guard !channels.isEmpty else { return }
    let list = channels.map(String.init).joined(separator: ",")
    guard channels.allSatisfy((1...input.channels).contains) else {
      throw GradCAMError(
        .usage, at: "\(.show, list)", problem: "names a channel that the input does not have",
        advice: "give numbers from 1 to \(input.channels)")
    }
    guard input.rank == 1 || channels.count == 3 || channels.count == 1 else {
      throw GradCAMError(
        .usage, at: "\(.show, list)", problem: "is \(channels.count) channels",
        advice: "give three for red, green and blue, or one")
    }
  }

  /// The indices of the channels drawn, nil for the mean of all.
  func indices(of input: ImageShape) -> [Int]? {
    if !channels.isEmpty { return channels.map { $0 - 1 } }
    if input.rank == 1 { return Array(0..<min(input.channels, Self.curveCount)) }
    return input.channels == 3 || input.channels == 1 ? Array(0..<input.channels) : nil
  }

  /// What to know about pictures of an input; nil if they show all of it as it is.
  public func note(on input: ImageShape) -> Warning? {
    guard !input.takesPictures || !channels.isEmpty else { return nil }
    let shown = indices(of: input)
    if input.rank == 1 {
      guard let shown, shown.count < input.channels, channels.isEmpty else { return nil }
      return Warning(
        code: .channelsDrawn,
        text: "the first \(shown.count) of \(input.channels) channels are drawn; \(.show, as: "1,2,3") chooses others")
    }
    let what =
      shown.map { shown in
        "channel\(shown.count == 1 ? "" : "s") \(shown.map { "\($0 + 1)" }.joined(separator: ", "))"
      } ?? "the mean of \(input.channels) channels"
    let advice: Message = input.channels > 1 && channels.isEmpty ? "; \(.show, as: "3,2,1") chooses channels" : ""
    return Warning(
      code: .channelsDrawn,
      text: "the map is drawn over \(what), stretched so that the darkest and the brightest 2% are cut off\(advice)")
  }
}

extension ShownImage {
  /// The chosen channels of what the input was given, each of as many numbers as places; the mean of all for nil.
  func planes(_ channels: [Int]?) -> [[Float]] {
    let values = Array(ImageBatch(count: input.shape.count(in: tensor.shape), place: place).one(of: tensor.floats))
    let layout = input.shape.elements(for: size), count = layout.positions
    let elements = values.withUnsafeBufferPointer(layout.gather)
    func plane(_ channel: Int) -> ArraySlice<Float> { elements[channel * count..<(channel + 1) * count] }
    if let channels { return channels.map { Array(plane($0)) } }
    var mean = [Float](repeating: 0, count: count)
    for channel in 0..<layout.channels {
      for (index, value) in plane(channel).enumerated() { mean[index] += value / Float(layout.channels) }
    }
    return [mean]
  }
}

/// The levels of numbers between their 2nd and their 98th percentile, as 0 … 255; numbers that are not finite are 0.
struct RobustLevels {
  private let low, scale: Float

  init(_ values: [Float]) {
    // Of many numbers some are enough.
    let step = max(1, values.count / (1 << 18))
    let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }.filter(\.isFinite).sorted()
    func percentile(_ share: Double) -> Float { sample[Int((share * Double(sample.count - 1)).rounded())] }
    var (low, high): (Float, Float) = sample.isEmpty ? (0, 1) : (percentile(0.02), percentile(0.98))
    // Almost all numbers may be the same.
    if high <= low { (low, high) = (sample.first ?? 0, sample.last ?? 1) }
    let range = high - low
    (self.low, scale) = (low, range > 0 && range.isFinite ? 255 / range : 0)
  }

  subscript(_ value: Float) -> UInt8 {
    let level = (value - low) * scale
    return level >= 0 ? UInt8(min(level, 255)) : 0
  }
}
