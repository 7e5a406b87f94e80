import Graph

/// How an image processor of transformers prepares pictures, read from its configuration.
///
/// Source: the classes `…ImageProcessor` of transformers 4 and 5, whose keys mean the same but for those that
/// `HuggingFaceProcessor.Kind` tells apart.
struct HuggingFaceProcessor {
  private(set) var preprocessing = PreprocessingChoice()
  /// What is said about resizing and cannot be followed.
  private(set) var unfollowed: String?

  /// The processors whose keys mean something of their own.
  private struct Kind {
    let name: String

    init(_ config: LiteralValue) {
      name = (config["image_processor_type"] ?? config["feature_extractor_type"])?.text ?? ""
    }

    private func isOne(of names: String...) -> Bool { names.contains { name.hasPrefix($0) } }

    /// Whether a `size` that is one number means the shorter side, not a square.
    var keepsProportions: Bool {
      isOne(
        of: "CLIP", "ChineseCLIP", "ConvNext", "Levit", "MobileNetV1", "MobileNetV2", "MobileViT", "PoolFormer", "Bit",
        "EfficientFormer", "VideoMAE", "Vivit", "TimmWrapper", "PvtV2")
    }
    /// Whether numbers are normalised if the configuration does not say so, but gives a mean.
    var normalizes: Bool { !isOne(of: "MobileViT") }
    /// Whether the shorter side is 256 ⁄ 224 of `size`.
    var addsMargin: Bool { isOne(of: "Levit") }
    /// Whether pictures of 384 pixels and more are cropped by `crop_pct`, too, not squashed.
    var cropsLargePictures: Bool { isOne(of: "PoolFormer") }
  }

  init(_ config: LiteralValue) {
    let kind = Kind(config)
    preprocessing.channels = config["do_flip_channel_order"]?.bool == true ? .bgr : .rgb
    preprocessing.interpolation = config["resample"].flatMap { value in
      value.integer.flatMap(Interpolation.init(pillow:)) ?? value.text.flatMap(Interpolation.init)
    }
    preprocessing.roundsCropDown = true
    readValues(config, kind)
    readGeometry(config, kind)
  }

  /// (x · factor − offset − mean) ⁄ deviation.
  private mutating func readValues(_ config: LiteralValue, _ kind: Kind) {
    let isRescaled = config["do_rescale"]?.bool ?? true
    let range = isRescaled ? 255 * (config["rescale_factor"]?.number ?? 1 / 255.0) : 255
    // 0.00392156862745098 is 1 ⁄ 255.
    preprocessing.range = Float(abs(range - range.rounded()) < 1e-6 ? range.rounded() : range)
    var mean = config["image_mean"].flatMap { [Float](channels: $0) }
    var std = config["image_std"].flatMap { [Float](channels: $0) }
    if config["do_normalize"]?.bool ?? (mean != nil && kind.normalizes) == false {
      (mean, std) = ([0, 0, 0], [1, 1, 1])
    }
    if isRescaled, config["rescale_offset"]?.bool == true { mean = mean?.map { $0 + 1 } }
    // EfficientNet's processor divides by the deviation once more.
    if config["include_top"]?.bool == true, let again = config["image_std"].flatMap({ [Float](channels: $0) }) {
      std = std.map { zip($0, again).map { $0 * $1 } }
    }
    preprocessing.mean = mean
    preprocessing.std = std?.contains(0) == true ? nil : std
  }

  private mutating func readGeometry(_ config: LiteralValue, _ kind: Kind) {
    if config["do_center_crop"]?.bool == true {
      preprocessing.crop = config["crop_size"].flatMap { PixelSize(sides: $0) }
    }
    guard config["do_resize"]?.bool != false, let size = config["size"] else { return }
    let odd = ["do_thumbnail", "do_align_long_axis", "size_divisor", "keep_aspect_ratio"].filter {
      config[$0] != nil && config[$0]?.bool != false
    }
    guard odd.isEmpty else { return unfollowed = odd.joined(separator: ", ") }
    let edge = size["shortest_edge"]?.integer ?? (kind.keepsProportions ? size.integer : nil)
    if size["longest_edge"] != nil || size["max_height"] != nil {
      unfollowed = "a size that depends on the picture's proportions"
    } else if let edge = edge ?? (config["crop_pct"] == nil ? nil : PixelSize(sides: size)?.height) {
      guard (1...65_536).contains(edge) else { return }
      let square = PixelSize(width: edge, height: edge)
      if let share = config["crop_pct"]?.number, share > 0 {
        if edge >= 384, !kind.cropsLargePictures {
          preprocessing.resize = .exact(square)
        } else {
          preprocessing.resize = .shorterSide(max(edge, Int(Double(edge) / share)))
        }
        preprocessing.crop = preprocessing.crop ?? square
      } else {
        preprocessing.resize = .shorterSide(kind.addsMargin ? Int(256.0 / 224 * Double(edge)) : edge)
        if preprocessing.crop == nil { unfollowed = "a size that depends on the picture's proportions" }
      }
    } else if let exact = PixelSize(sides: size) {
      preprocessing.resize = .exact(exact)
      if preprocessing.crop == nil { preprocessing.crop = exact }
    }
  }
}
