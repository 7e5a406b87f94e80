import Graph

/// How a picture becomes the input of a network.
public struct Preprocessing: Sendable, Equatable {
  /// How the whole picture is resized before the crop.
  public enum Resize: Sendable, Equatable {
    /// The shorter side to this many pixels, the proportions kept.
    case shorterSide(Int)
    /// To exactly this size.
    case exact(PixelSize)
    /// To fit into the network's input, padded to its size.
    case letterbox(Letterbox)
  }

  /// The order of an input's colours.
  public enum Channels: String, Sendable, CaseIterable { case rgb, bgr }

  /// How the picture is resized; nil means to the network's input, or to cover the crop.
  public var resize: Resize?
  /// The size cut out of the middle of the resized picture; nil means the network's input.
  public var crop: PixelSize?
  /// What is subtracted from each channel after scaling.
  public var mean: [Float]
  /// What each channel is divided by after that.
  public var std: [Float]
  /// The value of full brightness, such as 1 or 255.
  public var range: Float
  /// The order of the colours.
  public var channels: Channels
  /// The filter that resizes the picture.
  public var interpolation: Interpolation
  /// Whether half of an odd margin around the crop is rounded down, as transformers does, not to even, as torchvision
  /// does.
  public var roundsCropDown: Bool

  /// Creates a description.
  public init(
    resize: Resize? = nil, crop: PixelSize? = nil, mean: [Float] = [0, 0, 0], std: [Float] = [1, 1, 1],
    range: Float = 1, channels: Channels = .rgb, interpolation: Interpolation = .bilinear, roundsCropDown: Bool = false
  ) {
    self.resize = resize
    self.crop = crop
    self.mean = mean
    self.std = std
    self.range = range
    self.channels = channels
    self.interpolation = interpolation
    self.roundsCropDown = roundsCropDown
  }

  /// A usual preprocessing, by name.
  public enum Preset: String, Sendable, CaseIterable {
    /// torchvision's: 0 … 1, ImageNet's mean and deviation, RGB; shorter side to 256 ⁄ 224 of the input, centre crop.
    case imagenet
    /// 0 … 255 unchanged, RGB, squashed to the input.
    case raw
    /// Caffe's: 0 … 255, BGR, ImageNet's mean colour subtracted; resized and cropped like `imagenet`.
    case caffe
    /// TensorFlow's: −1 … 1, RGB, squashed to the input.
    case tf
  }

  /// A preset for a network's input size, or for that of a film's frames.
  public init(_ preset: Preset, size: PixelSize) {
    let size = size.plane
    let coveringSide = Resize.shorterSide((max(size.width, size.height) * 256 + 112) / 224)
    switch preset {
    case .imagenet:
      self.init(resize: coveringSide, crop: size, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
    case .raw: self.init(resize: .exact(size), crop: size, range: 255)
    case .caffe:
      self.init(resize: coveringSide, crop: size, mean: [103.939, 116.779, 123.68], range: 255, channels: .bgr)
    case .tf: self.init(resize: .exact(size), crop: size, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
    }
  }
}

extension Preprocessing {
  /// How a picture of a size is resized and cropped for a network's input.
  ///
  /// A letterbox with a stride may make a smaller input of it.
  ///
  /// Throws `usage` if the crop is not the input's size or does not lie inside the resized picture.
  public func geometry(picture: PixelSize, input: PixelSize) throws -> PreprocessingGeometry {
    let crop = crop ?? input
    guard crop == input else {
      throw GradCAMError(
        .usage, at: "\(.crop)", problem: "gives \(crop), but the model takes \(input)", advice: "use \(.crop, input)")
    }
    let resized: PixelSize
    switch resize {
    case .letterbox(let letterbox): return letterbox.geometry(picture: picture, input: input)
    case nil: resized = input
    case .exact(let size): resized = size
    case .shorterSide(let side):
      // As in torchvision's Resize: the longer side is rounded down.
      let (width, height) = (picture.width, picture.height)
      resized =
        width <= height
        ? PixelSize(width: side, height: max(1, side * height / width))
        : PixelSize(width: max(1, side * width / height), height: side)
    }
    guard resized.width >= input.width, resized.height >= input.height else {
      throw GradCAMError(
        .usage, at: "\(.resize)", problem: "gives \(resized), less than the crop of \(input)",
        advice: "resize to at least the crop")
    }
    let rounding = roundsCropDown ? FloatingPointRoundingRule.down : .toNearestOrEven
    func margin(_ extent: Int, _ crop: Int) -> Int { Int((Double(extent - crop) / 2).rounded(rounding)) }
    return PreprocessingGeometry(
      original: picture, resized: resized,
      crop: PixelRectangle(
        x: margin(resized.width, input.width), y: margin(resized.height, input.height), width: input.width,
        height: input.height))
  }

  /// The numbers between which each channel of an input lies: those of black and of full brightness.
  func bounds(channels: Int) -> [ClosedRange<Float>] {
    (0..<channels).map { channel in
      let black = -mean[channel] / std[channel], full = (range - mean[channel]) / std[channel]
      return min(black, full)...max(black, full)
    }
  }

  /// Turns a picture that already has the input's size into a tensor, the same image in every place of the batch.
  public func tensor(_ picture: Picture, for shape: ImageShape) -> Tensor {
    tensor([picture], size: picture.size, shape)
  }

  /// Turns frames of one size into a tensor, the same film in every place of the batch.
  public func tensor(frames: [Picture], for shape: ImageShape) -> Tensor {
    tensor(frames, size: frames[0].size.stacked(frames.count), shape)
  }

  private func tensor(_ pictures: [Picture], size: PixelSize, _ shape: ImageShape) -> Tensor {
    let all = pictures.map { picture in
      picture.deepSamples.map { deepPlanes($0, channels: shape.channels) } ?? planes(picture, for: shape)
    }
    // Channel by channel, frame by frame.
    let joined = all[0].indices.map { channel in all.count == 1 ? all[0][channel] : all.flatMap { $0[channel] } }
    var image = [Float](repeating: 0, count: shape.channels * size.count)
    image.withUnsafeMutableBufferPointer { image in
      shape.elements(for: size).change(image) { elements in
        for (channel, plane) in joined.enumerated() {
          _ = elements[(channel * plane.count)...].update(fromContentsOf: plane)
        }
      }
    }
    let batch = shape.images.repeating(image)
    return shape.elementType.storage == .int64
      ? Tensor(
        batch.map { shape.elementType.integer(nearestTo: $0) }, shape: shape.shape(for: size),
        elementType: shape.elementType)
      : Tensor(batch, shape: shape.shape(for: size))
  }

  private func planes(_ picture: Picture, for shape: ImageShape) -> [[Float]] {
    if shape.channels == 1 { return [picture.luminance.map { (Float($0) * range / 255 - mean[0]) / std[0] }] }
    let plane = picture.width * picture.height
    return (0..<3).map { channel in
      let source = channels == .rgb ? channel : 2 - channel
      let level = (0...255).map { (Float($0) * range / 255 - mean[channel]) / std[channel] }
      return picture.pixels.withUnsafeBufferPointer { pixels in
        [Float](unsafeUninitializedCapacity: plane) { target, count in
          for index in 0..<plane { target[index] = level[Int(pixels[3 * index + source])] }
          count = plane
        }
      }
    }
  }

  /// The planes of a picture of 16-bit samples.
  private func deepPlanes(_ samples: [Float], channels count: Int) -> [[Float]] {
    func plane(_ channel: Int, _ sample: (Int) -> Float) -> [Float] {
      stride(from: 0, to: samples.count, by: 3).map {
        (Float(Double(sample($0)) * Double(range) / 65_535) - mean[channel]) / std[channel]
      }
    }
    guard count == 3 else {
      return [
        plane(0) { index in
          let (red, green, blue) = (samples[index], samples[index + 1], samples[index + 2])
          return Float((Double(red) * 19595 + Double(green) * 38470 + Double(blue) * 7471) / 65_536)
        }
      ]
    }
    return (0..<3).map { channel in
      let source = channels == .rgb ? channel : 2 - channel
      return plane(channel) { samples[$0 + source] }
    }
  }
}

extension Preprocessing {
  /// A note about a picture of 16-bit samples that uses a small part of their range, or of floating-point numbers that
  /// leave it, unless the range was chosen for it.
  func warnings(about picture: Picture) -> [Warning] {
    guard range == 1 || range == 255, let samples = picture.deepSamples, let largest = samples.max() else { return [] }
    if picture.isFloatingPoint { return warnings(aboutFloats: samples.min()! / 65_535, largest / 65_535) }
    guard largest < 4096 else { return [] }
    let white = [255, 1023, 4095].first { largest <= $0 }!
    let fitting = (range * 65_535 / white * 1e4).rounded() / 1e4
    return [
      Warning(
        code: .pictureBits,
        text:
          "the picture has 16 bits a channel, but no value above \(Int(largest)), so it is dark: full brightness is "
          + "65535; \(.range, "\(fitting)") makes it \(Int(white))")
    ]
  }

  private func warnings(aboutFloats least: Float, _ largest: Float) -> [Warning] {
    guard least < 0 || largest > 1 else { return [] }
    let fitting: Message =
      largest > 1 ? "; \(.range, brief(Double(range / largest))) makes the largest full brightness" : ""
    return [
      Warning(
        code: .pictureBits,
        text:
          "the picture holds numbers from \(brief(Double(least))) to \(brief(Double(largest))), and 1 is full brightness"
          + fitting)
    ]
  }
}

extension Picture {
  /// Grey levels by ITU-R 601's weights, as in Pillow's `convert("L")`.
  var luminance: [UInt8] {
    (0..<width * height).map { index in
      let (red, green, blue) = (Int(pixels[3 * index]), Int(pixels[3 * index + 1]), Int(pixels[3 * index + 2]))
      return UInt8((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)
    }
  }
}

extension PixelSize: CustomStringConvertible {
  /// `WxH`; of a signal its length, of a volume `WxHxD`.
  public var description: String { extents.reversed().map(String.init).joined(separator: "x") }

  /// Reads `WxH`, or one number for a square; nil if it is neither.
  public init?(_ text: String) {
    guard let extents = Self.extents(text), extents.count <= 2 else { return nil }
    self.init(width: extents[0], height: extents.last!)
  }

  /// Reads the size of an input: `WxH`, `WxHxD` of a volume, or one number for a square or a signal, whose length is the
  /// width; nil if it is none of these.
  public init?(ofInput text: String) {
    guard let extents = Self.extents(text) else { return nil }
    guard extents.count == 3 else {
      self.init(width: extents[0], height: extents.last!)
      return
    }
    self.init(extents: extents.reversed())
  }

  /// One to three numbers from 1 to 65,536.
  private static func extents(_ text: String) -> [Int]? {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    let extents = parts.compactMap { $0 }
    guard (1...3).contains(parts.count), extents.count == parts.count,
      extents.allSatisfy({ (1...65_536).contains($0) })
    else { return nil }
    return extents
  }
}
