import Graph

/// What a network's file and the files beside it say about its use.
public struct ModelMetadata: Sendable {
  /// How pictures are preprocessed, from the entries `gradcam.*` or the sidecar; nil if there are none about that.
  ///
  /// Entries left out have the values of the preset, or without one the plain values of `Preprocessing.init`.
  public let preprocessing: PreprocessingChoice?
  /// The size of the input that the entries give; nil if they do not.
  let inputSize: PixelSize?
  /// How the image input is laid out; nil if nothing says so.
  public let layout: ImageShape.Layout?
  /// The name of every class, from the first that has them: the entries `gradcam.*`, Ultralytics' `names`, the files
  /// beside the network; nil if there are none.
  public let labels: [String]?
  /// What the numbers of a detector's boxes mean, as `TargetRequest.columns`; empty if nothing says so.
  public let columns: [String]
  /// What Ultralytics wrote into the file; nil for any other file.
  public let ultralytics: UltralyticsMetadata?
  /// What ONNX's standard entries say about the pixels of image inputs.
  let pixels: PreprocessingChoice
  /// What Hugging Face's files beside the network say; nil if there are none.
  public let huggingFace: HuggingFaceConfiguration?
  /// Whether `labels` are those of `huggingFace`.
  let takesNeighboursLabels: Bool
  /// The sidecar that was read; nil if there is none, or none that counts.
  public let sidecar: String?
  /// The files beside the network that may be read; never overwrite them.
  let files: [String]
  /// What is not read, though it could be meant.
  let warnings: [Warning]

  /// Reads the entries of a graph.
  ///
  /// - Parameter modelPath: the path of the network's file, beside which others are looked for; nil to look for none.
  ///
  /// Throws `badData` naming the entry or the file that cannot be read.
  public init(_ metadata: [String: String], beside modelPath: String? = nil) throws {
    var entries = try DeclaredEntries(metadata: metadata), warnings: [Warning] = []
    let sidecarPath = modelPath.flatMap(Self.sidecarPath)
    if let sidecarPath, access(sidecarPath, F_OK) == 0 {
      if !entries.isEmpty {
        warnings.append(.ignored(sidecarPath, because: "the network's file has entries 'gradcam.…' of its own"))
      } else if let declared = try DeclaredEntries(sidecar: sidecarPath) {
        entries = declared
      } else {
        warnings.append(.ignored(sidecarPath, because: "it has no entry for this program"))
      }
    }
    sidecar = entries.sidecar
    self.warnings = warnings
    let named = UltralyticsMetadata(metadata)
    ultralytics = named.names == nil ? nil : named
    pixels = StandardImageMetadata.preprocessing(metadata)
    huggingFace = try modelPath.flatMap { try HuggingFaceConfiguration(beside: $0) }
    let declared = try entries.labels(), own = declared?.names ?? ultralytics?.names
    labels = own ?? huggingFace?.labels
    takesNeighboursLabels = own == nil && labels != nil
    files = [sidecarPath, declared?.path].compactMap { $0 } + (huggingFace?.files ?? [])
    layout = try entries.parsed(.layout, "nchw or nhwc") { ImageShape.Layout(rawValue: $0) }
    inputSize = try entries.size(.size)
    columns = try entries.lines(.columns)
    preprocessing = try PreprocessingChoice(entries)
  }

  /// The paths, beside a network's file, of files that say more about it; they need not exist.
  public static func filesRead(beside modelPath: String) -> [String] {
    [sidecarPath(of: modelPath)].compactMap { $0 } + HuggingFaceConfiguration.paths(beside: modelPath)
  }

  /// The path of the sidecar of a network, whether or not it exists; nil for a file that is not called `.onnx`.
  static func sidecarPath(of modelPath: String) -> String? {
    modelPath.hasSuffix(".onnx") ? String(modelPath.dropLast(".onnx".count)) + ".json" : nil
  }
}

extension PreprocessingChoice {
  /// What entries say; nil if none of them is about preprocessing.
  ///
  /// Throws `badData` naming an entry that cannot be read.
  fileprivate init?(_ entries: DeclaredEntries) throws {
    self.init()
    let presets = Preprocessing.Preset.allCases.map(\.rawValue).joined(separator: ", ")
    preset = try entries.parsed(.preset, "one of \(presets)") { Preprocessing.Preset(rawValue: $0) }
    mean = try entries.numbers(.mean)
    std = try entries.parsed(.std, "three numbers other than 0") {
      [Float](channels: $0).flatMap { $0.contains(0) ? nil : $0 }
    }
    range = try entries.parsed(.range, "a number above 0") {
      Float($0).flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }
    channels = try entries.parsed(.channels, "rgb or bgr") { Preprocessing.Channels(rawValue: $0) }
    resize = try entries.parsed(.resize, "a number, WIDTHxHEIGHT or letterbox") { Preprocessing.Resize($0) }
    crop = try entries.size(.crop)
    let names = Interpolation.allCases.map(\.rawValue).joined(separator: ", ")
    interpolation = try entries.parsed(.interpolation, "one of \(names)") { Interpolation(rawValue: $0) }
    if self == PreprocessingChoice() { return nil }
    if preset == nil { self = completed(by: PreprocessingChoice(Preprocessing())) }
  }
}

extension Warning {
  /// A file beside the network that is not read.
  fileprivate static func ignored(_ path: String, because reason: String) -> Warning {
    Warning(
      code: .filesIgnored,
      text: "'\(path)' is not read, since \(reason); give \(.preset), \(.mean), \(.labels) and so on")
  }
}

extension StringProtocol {
  /// Whether it may be a decimal number: Swift's own reading takes hexadecimal ones and stops at a zero byte.
  var isDecimal: Bool { utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) } }
}

extension [Float] {
  /// Reads one number for each of three channels, or one for all, separated by commas or spaces.
  public init?(channels text: String) {
    let parts = text.split { $0 == "," || $0 == " " || $0 == "[" || $0 == "]" }
    let numbers = parts.compactMap { $0.isDecimal ? Float($0) : nil }
    guard numbers.count == parts.count, numbers.allSatisfy(\.isFinite), numbers.count == 3 || numbers.count == 1 else {
      return nil
    }
    self = numbers.count == 3 ? numbers : Array(repeating: numbers[0], count: 3)
  }
}

extension Preprocessing.Resize {
  /// Reads `256` (the shorter side), `WxH` (exactly) or what `Letterbox` reads; nil if it is none of them.
  public init?(_ text: String) {
    if let letterbox = Letterbox(text) {
      self = .letterbox(letterbox)
    } else {
      guard let size = PixelSize(text) else { return nil }
      self = text.contains("x") ? .exact(size) : .shorterSide(size.width)
    }
  }
}

extension Preprocessing.Resize: CustomStringConvertible {
  /// As `--resize` and the entry `resize` take it.
  public var description: String {
    switch self {
    case .shorterSide(let side): "\(side)"
    case .exact(let size): "\(size)"
    case .letterbox(let letterbox): "\(letterbox)"
    }
  }

  /// How pictures are padded, if they are.
  var letterbox: Letterbox? { if case .letterbox(let letterbox) = self { letterbox } else { nil } }
}
