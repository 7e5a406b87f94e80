import Graph

/// What a network's file and the files beside it say about its use.
public struct ModelMetadata: Sendable {
  /// How pictures are preprocessed, from the entries `gradcam.*`; nil if there is none.
  ///
  /// Entries left out have the plain values of `Preprocessing.init`.
  public let preprocessing: Preprocessing?
  /// How the image input is laid out; nil if nothing says so.
  public let layout: ImageShape.Layout?
  /// The name of every class, from the first that has them: `gradcam.labels`, Ultralytics' `names`, the files beside the
  /// network; nil if there are none.
  public let labels: [String]?
  /// What Ultralytics wrote into the file; nil for any other file.
  public let ultralytics: UltralyticsMetadata?
  /// What ONNX's standard entries say about the pixels of image inputs.
  let pixels: PreprocessingChoice
  /// What Hugging Face's files beside the network say; nil if there are none.
  public let huggingFace: HuggingFaceConfiguration?
  /// Whether `labels` are those of `huggingFace`.
  let takesNeighboursLabels: Bool

  /// Reads the entries of a graph.
  ///
  /// - Parameter modelPath: the path of the network's file, beside which others are looked for; nil to look for none.
  ///
  /// Throws `badData` naming the entry or the file that cannot be read.
  public init(_ metadata: [String: String], beside modelPath: String? = nil) throws {
    let entries = MetadataReader(metadata: metadata)
    let named = UltralyticsMetadata(metadata)
    ultralytics = named.names == nil ? nil : named
    pixels = StandardImageMetadata.preprocessing(metadata)
    huggingFace = try modelPath.flatMap { try HuggingFaceConfiguration(beside: $0) }
    let own = entries["labels"].map { Labels(lines: $0).names } ?? ultralytics?.names
    labels = own ?? huggingFace?.labels
    takesNeighboursLabels = own == nil && labels != nil
    layout = try entries.parsed("layout", "nchw or nhwc") { ImageShape.Layout(rawValue: $0) }
    let keys = ["mean", "std", "range", "channels", "resize", "crop", "interpolation"]
    guard keys.contains(where: { entries[$0] != nil }) else {
      preprocessing = nil
      return
    }
    var result = Preprocessing()
    if let mean = try entries.numbers("mean") { result.mean = mean }
    if let std = try entries.numbers("std") {
      guard !std.contains(0) else {
        throw GradCAMError(.badData, at: "metadata gradcam.std", problem: "'\(entries["std"]!)' has a 0")
      }
      result.std = std
    }
    let range = try entries.parsed("range", "a number above 0") {
      Float($0).flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }
    if let range { result.range = range }
    let channels = try entries.parsed("channels", "rgb or bgr") { Preprocessing.Channels(rawValue: $0) }
    if let channels { result.channels = channels }
    result.resize = try entries.parsed("resize", "a number or WxH") { Preprocessing.Resize($0) }
    result.crop = try entries.parsed("crop", "a number or WxH") { PixelSize($0) }
    let names = Interpolation.allCases.map(\.rawValue).joined(separator: ", ")
    let interpolation = try entries.parsed("interpolation", "one of \(names)") { Interpolation(rawValue: $0) }
    if let interpolation { result.interpolation = interpolation }
    preprocessing = result
  }
}

private struct MetadataReader {
  let metadata: [String: String]

  subscript(_ key: String) -> String? { metadata["gradcam.\(key)"] }

  func parsed<Value>(_ key: String, _ expected: String, _ parse: (String) -> Value?) throws -> Value? {
    guard let text = self[key] else { return nil }
    guard let value = parse(text.lowercased()) else {
      throw GradCAMError(.badData, at: "metadata gradcam.\(key)", problem: "'\(text)' is not \(expected)")
    }
    return value
  }

  func numbers(_ key: String) throws -> [Float]? { try parsed(key, "three numbers") { [Float](channels: $0) } }
}

extension [Float] {
  /// Reads one number for each of three channels, or one for all, separated by commas or spaces.
  public init?(channels text: String) {
    let parts = text.split { $0 == "," || $0 == " " || $0 == "[" || $0 == "]" }
    let numbers = parts.compactMap { Float($0) }
    guard numbers.count == parts.count, numbers.allSatisfy(\.isFinite), numbers.count == 3 || numbers.count == 1 else {
      return nil
    }
    self = numbers.count == 3 ? numbers : Array(repeating: numbers[0], count: 3)
  }
}

extension Preprocessing.Resize {
  /// Reads `256` (the shorter side) or `WxH` (exactly); nil if it is neither.
  public init?(_ text: String) {
    guard let size = PixelSize(text) else { return nil }
    self = text.contains("x") ? .exact(size) : .shorterSide(size.width)
  }
}
