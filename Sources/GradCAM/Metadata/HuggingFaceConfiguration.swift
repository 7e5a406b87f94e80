import Graph

/// What the files that Hugging Face keeps beside a network say about it: `config.json`, of transformers or timm, and
/// `preprocessor_config.json` or `processor_config.json`.
///
/// They lie in the folder of the `.onnx` file or one above it, as exporters write `onnx/model.onnx`.
public struct HuggingFaceConfiguration: Sendable {
  /// The kind of network, such as `vit`; nil for timm's.
  public private(set) var modelType: String?
  /// The classes that implement the network, such as `ViTForImageClassification`.
  public private(set) var architectures: [String] = []
  /// The names of the classes; nil if there are none but placeholders.
  public private(set) var labels: [String]?
  /// The size of the input; nil if it is not said.
  public private(set) var imageSize: PixelSize?
  /// How pictures are preprocessed, as far as it is said and can be followed; nil if nothing is.
  public private(set) var preprocessing: PreprocessingChoice?
  /// What is said about resizing and cannot be followed; nil if everything can.
  public private(set) var unfollowed: String?
  /// The files that were read.
  public private(set) var files: [String] = []

  /// Looks for the files; nil if there are none.
  ///
  /// Throws `badData` if one that can only be meant for this network cannot be read.
  init?(beside modelPath: String) throws {
    for folder in Self.folders(of: modelPath) {
      try readConfiguration(folder + Self.configuration)
      for name in Self.processors where preprocessing == nil { try readProcessor(folder + name) }
      if !files.isEmpty { return }
    }
    return nil
  }

  private static let configuration = "config.json"
  private static let processors = ["preprocessor_config.json", "processor_config.json"]

  /// The folders in which the files of a network may lie, each with a slash at its end or empty.
  private static func folders(of modelPath: String) -> [String] {
    let folder = modelPath.lastIndex(of: "/").map { String(modelPath[...$0]) } ?? ""
    return [folder, folder + "../"]
  }

  /// The paths at which files are looked for.
  static func paths(beside modelPath: String) -> [String] {
    folders(of: modelPath).flatMap { folder in ([configuration] + processors).map { folder + $0 } }
  }

  /// Reads a file of JSON; nil if it does not exist.
  private static func json(_ path: String) throws -> LiteralValue? {
    guard access(path, F_OK) == 0 else { return nil }
    let value = LiteralValue(String(decoding: try contentsOfFile(at: path), as: UTF8.self))
    guard let value, value.map != nil else {
      throw GradCAMError(.badData, at: path, problem: "is not a JSON object", advice: "correct it or move it away")
    }
    return value
  }

  private mutating func readConfiguration(_ path: String) throws {
    // Other programs have files of this name, too.
    guard let config = try? Self.json(path) else { return }
    let timm = config["pretrained_cfg"] ?? (config["input_size"] != nil && config["mean"] != nil ? config : nil)
    guard timm != nil || config["model_type"] != nil || config["architectures"] != nil || config["id2label"] != nil
    else { return }
    files.append(path)
    modelType = config["model_type"]?.text
    architectures = config["architectures"]?.list?.compactMap(\.text) ?? []
    if let names = config["id2label"]?.classNames, !names.indices.allSatisfy({ names[$0] == "LABEL_\($0)" }) {
      labels = names
    }
    let visual = config["vision_config"] ?? config
    imageSize = visual["image_size"].flatMap { PixelSize(sides: $0) }
    if let timm { readTimm(timm, config) }
  }

  /// timm's `pretrained_cfg`: as timm.data.create_transform reads it for evaluation.
  private mutating func readTimm(_ pretrained: LiteralValue, _ config: LiteralValue) {
    var choice = PreprocessingChoice()
    choice.mean = pretrained["mean"].flatMap { [Float](channels: $0) }
    choice.std = pretrained["std"].flatMap { [Float](channels: $0) }
    (choice.range, choice.channels) = (1, .rgb)
    choice.interpolation = pretrained["interpolation"]?.text.flatMap(Interpolation.init)
    if let extents = pretrained["input_size"]?.numbers?.compactMap({ Int(exactly: $0) }), extents.count == 3,
      extents.allSatisfy({ (1...65_536).contains($0) })
    {
      let size = PixelSize(width: extents[2], height: extents[1])
      imageSize = size
      let share = pretrained["crop_pct"]?.number ?? 0.875, mode = pretrained["crop_mode"]?.text ?? "center"
      func grown(_ extent: Int) -> Int { max(extent, Int((Double(extent) / share).rounded(.down))) }
      if mode == "squash", share > 0 {
        choice.resize = .exact(PixelSize(width: grown(size.width), height: grown(size.height)))
        choice.crop = size
      } else if mode == "center", size.width == size.height, share > 0 {
        (choice.resize, choice.crop) = (.shorterSide(grown(size.width)), size)
      } else {
        unfollowed = "crop_mode '\(mode)' for an input of \(size)"
      }
    }
    preprocessing = choice
    let names = (pretrained["label_names"] ?? config["label_names"])?.classNames
    let descriptions = pretrained["label_descriptions"] ?? config["label_descriptions"]
    labels = names?.map { descriptions?[$0]?.text ?? $0 } ?? labels
  }

  private mutating func readProcessor(_ path: String) throws {
    guard let file = try Self.json(path) else { return }
    let config = file["image_processor"] ?? file
    // A text model's processor says nothing about pictures.
    guard
      config["image_mean"] != nil || config["size"] != nil || config["image_processor_type"] != nil
        || config["feature_extractor_type"] != nil
    else { return }
    files.append(path)
    let processor = HuggingFaceProcessor(config)
    preprocessing = processor.preprocessing
    unfollowed = processor.unfollowed
  }
}

extension PixelSize {
  /// One number for a square, two with the height first, or `height` and `width`; nil if it is none of these.
  init?(sides value: LiteralValue) {
    func side(_ value: LiteralValue?) -> Int? { value?.integer.flatMap { (1...65_536).contains($0) ? $0 : nil } }
    if let side = side(value) {
      self.init(width: side, height: side)
    } else if let list = value.list, list.count == 2, let height = side(list[0]), let width = side(list[1]) {
      self.init(width: width, height: height)
    } else if let height = side(value["height"]), let width = side(value["width"]) {
      self.init(width: width, height: height)
    } else {
      return nil
    }
  }
}

extension [Float] {
  /// One number for each of three channels, or one for all.
  init?(channels value: LiteralValue) {
    guard let numbers = value.numbers, numbers.count == 3 || numbers.count == 1 else { return nil }
    self = (numbers.count == 3 ? numbers : Array<Double>(repeating: numbers[0], count: 3)).map { Float($0) }
  }
}
