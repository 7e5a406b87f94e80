import Graph

/// How pictures become a model's input, with the size of that input: what the user chose, completed by what the model's
/// file and those beside it say, then by assumptions.
public struct DecidedPreprocessing: Sendable {
  /// How pictures are preprocessed.
  public let preprocessing: Preprocessing
  /// The size of the input.
  public let inputSize: PixelSize
  /// What was read from other files, found in the network, or assumed.
  public private(set) var warnings: [Warning]
  /// Whether the network resizes its input itself, so that every picture is given to it at its own size.
  public let takesAnySize: Bool
  /// Whether inputs are of several sizes; those of pictures are none larger than `inputSize` unless the network takes any.
  var variesSize: Bool { takesAnySize || takesOpenTensors || preprocessing.resize?.letterbox?.stride != nil }
  /// Whether signals and volumes are given to it at their own size.
  private let takesOpenTensors: Bool
  /// Whether a picture that has the input's size already is taken as it is: how pictures are resized and cropped is
  /// assumed, but not everything else.
  let keepsFittingPictures: Bool
  /// What the preprocessing comes from, in the order in which it counts.
  let sources: [PreprocessingSource]
  /// What pictures are made into.
  let shape: ImageShape
  /// The number of the input's colour channels, 1 or 3.
  var channels: Int { shape.channels }
  /// The same for the image inputs after the first, by value.
  public private(set) var others: [ValueID: DecidedPreprocessing] = [:]

  /// Decides.
  ///
  /// In this order: the user's choices; the file's entries `gradcam.*`, or the sidecar's; for the numbers of pixels, that an input of
  /// integers takes them as they are, and the constants by which the network itself scales its input; files beside the
  /// network; Ultralytics' entries; ImageNet's usual preprocessing.
  /// - Parameters:
  ///   - inputs: type and shape of the inputs other than images.
  ///   - sizes: the sizes of tensors that image inputs are given, by name.
  public init(
    _ chosen: PreprocessingChoice = PreprocessingChoice(), for model: Model, inputs: [String: ValueInfo] = [:],
    sizes: [String: PixelSize] = [:]
  ) throws {
    func choice(_ input: ImageInput) -> PreprocessingChoice {
      var choice = chosen
      choice.size = sizes[input.name] ?? chosen.size
      return choice
    }
    let first = model.imageInputs[0]
    try model.located { if let size = chosen.size { try model.check(first.shape.completing(size)) } }
    self = try Self.decided(
      choice(first), for: first, of: model, inputs: inputs, guess: PixelSize(width: 224, height: 224))
    var texts = Set(warnings.map(\.text.description))
    for input in model.imageInputs.dropFirst() where inputs[input.name] == nil {
      let other = try Self.decided(choice(input), for: input, of: model, inputs: inputs, guess: inputSize)
      others[input.value] = other
      warnings += other.warnings.filter { texts.insert($0.text.description).inserted }.map {
        $0.about(node: "input '\(input.name)'")
      }
    }
  }

  private static func decided(
    _ chosen: PreprocessingChoice, for input: ImageInput, of model: Model, inputs: [String: ValueInfo],
    guess usual: PixelSize
  ) throws -> DecidedPreprocessing {
    input.shape.takesPictures || input.shape.takesFrames
      ? try Self(chosen, for: input, of: model, inputs: inputs, guess: usual)
      : try Self(tensor: chosen, for: input, of: model, inputs: inputs)
  }

  private init(
    _ chosen: PreprocessingChoice, for input: ImageInput, of model: Model, inputs: [String: ValueInfo],
    guess usual: PixelSize
  ) throws {
    let shape = input.shape
    self.shape = shape
    takesOpenTensors = shape.rank != 2 && shape.isSizeOpen && model.imageInputs.count == 1
    let metadata = model.metadata
    let isFirst = input.value == model.imageInput
    var known = chosen, sources: [PreprocessingSource] = chosen == PreprocessingChoice() ? [] : [.given]
    func complete(from source: String, _ step: (inout PreprocessingChoice) -> Void) {
      let before = known
      step(&known)
      if known != before { sources.append(.named(source)) }
    }
    var found = isFirst ? metadata.warnings : []
    let guess = Self.size(known, metadata, shape, usual: usual)
    let neighbour = metadata.huggingFace
    let inFile = PreprocessingInFile(input, of: model, size: guess.size, inputs: inputs)
    if let preset = chosen.preset {
      known = known.completed(by: PreprocessingChoice(Preprocessing(preset, size: guess.size)))
    } else if let declared = metadata.preprocessing {
      complete(from: metadata.sidecar.map(fileName) ?? "the file") { known in
        known = known.completed(by: declared)
        if let preset = declared.preset {
          known = known.completed(by: PreprocessingChoice(Preprocessing(preset, size: guess.size)))
        }
      }
    } else {
      complete(from: "the file") { known in
        if shape.elementType.storage == .int64 { known.completeValues(by: .pixels(of: shape.elementType)) }
        known.completeValues(by: metadata.pixels)
        known.completeValues(by: inFile.preprocessing)
      }
      if let neighbour, let preprocessing = neighbour.preprocessing {
        complete(from: neighbour.files.map(fileName).joined(separator: " and ")) {
          $0 = $0.completed(by: preprocessing)
        }
      }
      if let ultralytics = metadata.ultralytics {
        let isOpen =
          shape.rank == 2 && shape.width == nil && shape.height == nil && model.imageInputs.count == 1
          && shape.batch == 1
        complete(from: "the file") { $0 = $0.completed(by: ultralytics.preprocessing(isSizeOpen: isOpen)) }
      }
    }
    if metadata.preprocessing == nil, !inFile.steps.isEmpty {
      let isAsked = chosen.preset != nil || chosen.mean != nil || chosen.std != nil || chosen.range != nil
      let isScaled = inFile.range != nil || shape.elementType.storage == .int64
      let fed: Message =
        isAsked
        ? "; what is asked for is applied before that"
        : isScaled
          ? "; it is given pixels of 0 … \(brief(Double(known.range ?? 1))); give \(.preset), or \(.mean), \(.std) and "
            + "\(.range), if that is wrong" : ""
      found.append(
        Warning(
          code: .preprocessingInFile, text: "the network itself \(inFile.steps.joined(separator: ", then "))\(fed)"))
    }
    found += Self.read(metadata, chosen)

    let isGuessed = shape.isSizeOpen && guess.isAssumed
    takesAnySize =
      isGuessed && shape.rank == 2 && inFile.fixesSize && model.imageInputs.count == 1
      && (chosen.resize == nil && (chosen.preset == nil || chosen.preset == .raw))
    inputSize = isGuessed && isFirst ? try model.fittingSize(guess.size, inputs: inputs) : guess.size
    let plane = inputSize.plane
    // Entries of the file that leave the resizing out mean to the input's size.
    let isSquashed = metadata.preprocessing != nil && chosen.preset == nil && known.resize == nil
    if takesAnySize || isSquashed { known.resize = .exact(plane) }
    known.scaleGeometry(to: plane, keeping: chosen)
    if let odd = metadata.huggingFace?.unfollowed, known.resize == nil {
      // What cannot be followed shows the whole picture, so that nothing is cut off.
      known.resize = .exact(plane)
      found.append(
        Warning(
          code: .preprocessingAssumed,
          text: "the files beside the network describe \(odd), which is not followed: the picture is squashed to "
            + "\(inputSize); give \(.resize) and \(.crop), or \(.size)"))
    } else if known.resize == nil, let yolo = metadata.ultralytics, yolo.task == nil, yolo.stride != nil,
      model.graph.outputs.contains(where: { model.graph.values[$0].dimensions?.count ?? 0 > 2 })
    {
      known.resize = .letterbox(Letterbox())
      found.append(
        Warning(
          code: .preprocessingAssumed,
          text:
            "the file does not say the network's task; its outputs are no classifier's, so the picture is padded to "
            + "\(inputSize), as for YOLOv5's detectors; give \(.resize)"))
    }
    let usual = Preprocessing(.imagenet, size: inputSize)
    keepsFittingPictures =
      known.resize == nil && known.crop == nil && (known.range != nil || known.mean != nil || known.std != nil)
    let assumed = Assumption(
      known, usual, size: isGuessed && !takesAnySize && shape.rank == 2 ? inputSize : nil,
      hasColours: shape.channels == 3, isDescribed: metadata.preprocessing != nil || chosen.preset != nil,
      sidecar: metadata.sidecar)
    preprocessing = Preprocessing(known, else: usual)
    try preprocessing.check(against: shape.elementType, of: input)
    if let stride = preprocessing.resize?.letterbox?.stride {
      guard shape.isSizeOpen, shape.rank == 2, model.imageInputs.count == 1, shape.batch == 1 else {
        throw GradCAMError(
          .usage, at: "\(.resize, preprocessing.resize!.description)",
          problem: "makes inputs of several sizes, but the model takes one size",
          advice: "leave 'stride-\(stride)' out")
      }
    }
    warnings = found + [assumed.warning].compactMap { $0 }
    if warnings.contains(where: { $0.code == .preprocessingAssumed }) { sources.append(.assumed) }
    if isGuessed, shape.rank == 3 { warnings.append(.extentsAssumed(inputSize, of: input)) }
    if shape.isAssumed { warnings.append(.axesAssumed(input)) }
    self.sources = sources.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// What is given as numbers: a signal, or a volume or picture of other channels than those of colours.
  private init(
    tensor chosen: PreprocessingChoice, for input: ImageInput, of model: Model, inputs: [String: ValueInfo]
  ) throws {
    shape = input.shape
    let isFirst = input.value == model.imageInput, open = shape.isSizeOpen
    takesOpenTensors = open && model.imageInputs.count == 1
    (takesAnySize, keepsFittingPictures, sources, preprocessing) = (false, true, [], Preprocessing())
    let asked = chosen.size.map(shape.completing)
    let usual = shape.fixing(shape.completing(PixelSize(width: 224, height: 224)))
    inputSize =
      try asked.map(shape.fixing) ?? (open && isFirst ? model.fittingSize(usual, inputs: inputs) : usual)
    warnings = (isFirst ? model.metadata.warnings : []) + (shape.isAssumed ? [.axesAssumed(input)] : [])
    if open, asked == nil { warnings.append(.extentsAssumed(inputSize, of: input)) }
  }

  /// The size of the input: what the file fixes, what the user asks for, or what is cropped or resized to; else what
  /// other files say, or an assumption.
  private static func size(
    _ chosen: PreprocessingChoice, _ metadata: ModelMetadata, _ shape: ImageShape, usual: PixelSize
  ) -> (size: PixelSize, isAssumed: Bool) {
    func size(_ choice: PreprocessingChoice) -> PixelSize? {
      if let size = choice.size ?? choice.crop { return size }
      if case .exact(let size)? = choice.resize { return size }
      return nil
    }
    let declared = metadata.preprocessing ?? metadata.huggingFace?.preprocessing
    let found =
      size(chosen) ?? metadata.inputSize ?? declared.flatMap(size) ?? metadata.huggingFace?.imageSize
      ?? metadata.ultralytics?.imageSize
    return (shape.fixing(shape.completing(found ?? usual)), found == nil)
  }

  /// The note that the preprocessing is read from other files, if it is.
  private static func read(_ metadata: ModelMetadata, _ chosen: PreprocessingChoice) -> [Warning] {
    guard let neighbour = metadata.huggingFace, neighbour.preprocessing != nil, metadata.preprocessing == nil,
      chosen.preset == nil
    else { return [] }
    return [.read("the preprocessing is", from: neighbour.files)]
  }
}

extension Warning {
  /// About an input of which nothing says what its dimensions count.
  static func axesAssumed(_ input: ImageInput) -> Warning {
    Warning(
      code: .axesAssumed,
      text: "nothing in the file says what the dimensions of '\(input.name)' count; they are read as \(input.shape), "
        + "and \(.layout, "nhwc") as channels last")
  }

  /// About extents that a file leaves open, before there is a tensor.
  static func extentsAssumed(_ size: PixelSize, of input: ImageInput) -> Warning {
    Warning(
      code: .extentsAssumed,
      text: "the file leaves the extents of '\(input.name)' open, \(input.shape); \(size.text) is assumed until "
        + "\(.tensor, as: "FILE") is given")
  }

  /// A note about what is read from files beside the model's.
  static func read(_ what: String, from files: [String]) -> Warning {
    Warning(code: .filesRead, text: "\(what) read from \(files.joined(separator: " and "))")
  }
}

extension PreprocessingChoice {
  /// What an input of integers takes: the pixels as they are, 0 … 255; for signed bytes, 128 less.
  fileprivate static func pixels(of type: ElementType) -> PreprocessingChoice {
    var choice = PreprocessingChoice()
    let zero: Float = type == .int8 ? 128 : 0
    (choice.range, choice.mean, choice.std) = (255, [zero, zero, zero], [1, 1, 1])
    return choice
  }

  /// Makes what files say about resizing and cropping fit an input of another size, in proportion.
  ///
  /// - Parameter chosen: the user's own choices, which stay.
  fileprivate mutating func scaleGeometry(to input: PixelSize, keeping chosen: PreprocessingChoice) {
    guard chosen.resize == nil, chosen.crop == nil, let resize else { return }
    let old: PixelSize
    switch (crop, resize) {
    case (let crop?, _): old = crop
    case (nil, .exact(let size)): old = size
    case (nil, .shorterSide), (nil, .letterbox): return
    }
    crop = input
    guard old != input else { return }
    func scaled(_ extent: Int, _ new: Int, _ old: Int) -> Int { max(new, (extent * new + old / 2) / old) }
    switch resize {
    case .exact(let size):
      self.resize = .exact(
        PixelSize(
          width: scaled(size.width, input.width, old.width), height: scaled(size.height, input.height, old.height)))
    case .shorterSide(let side):
      self.resize = .shorterSide(scaled(side, max(input.width, input.height), max(old.width, old.height)))
    case .letterbox: break
    }
  }
}

extension Preprocessing {
  /// What is known, completed by a usual preprocessing.
  fileprivate init(_ known: PreprocessingChoice, else usual: Preprocessing) {
    self.init(
      resize: known.resize ?? usual.resize, crop: known.crop ?? (known.resize == nil ? usual.crop : nil),
      mean: known.mean ?? usual.mean, std: known.std ?? usual.std, range: known.range ?? usual.range,
      channels: known.channels ?? usual.channels,
      interpolation: known.interpolation ?? (known.resize?.letterbox == nil ? usual.interpolation : .opencv),
      roundsCropDown: known.roundsCropDown ?? usual.roundsCropDown)
  }

  /// Throws `usage` if an input of integers would get next to nothing of a picture.
  fileprivate func check(against type: ElementType, of input: ImageInput) throws {
    guard type.storage == .int64, let levels = std.map({ range / abs($0) }).min(), levels < 32 else { return }
    throw GradCAMError(
      .usage, at: "input '\(input.name)'",
      problem:
        "takes \(type), but the preprocessing asked for gives \(brief(Double(levels + 1))) whole numbers at most",
      advice: "leave it out to give the pixels as they are, or give \(.preset, "raw")")
  }
}

/// What has to be assumed about preprocessing.
private struct Assumption {
  let warning: Warning?

  /// - Parameters:
  ///   - size: the size that is assumed for the input; nil if it is known.
  ///   - isDescribed: whether what is left open has a documented meaning.
  ///   - sidecar: the path of the sidecar that was read, if any.
  init(
    _ known: PreprocessingChoice, _ usual: Preprocessing, size: PixelSize?, hasColours: Bool, isDescribed: Bool,
    sidecar: String?
  ) {
    func list(_ numbers: [Float]) -> String { numbers.map { brief(Double($0)) }.joined(separator: ",") }
    var parts: [Message] = [], settings: [Message] = []
    if let size {
      parts.append("the input's size \(size)")
      settings.append("\(.size)")
    }
    if !isDescribed {
      if known.range == nil, known.mean == nil, known.std == nil, known.resize == nil, known.crop == nil {
        // Nothing is known but perhaps the order of colours.
        let silent = sidecar.map { "neither the file nor '\($0)' says" } ?? "the file does not say"
        warning = Warning(
          code: .preprocessingAssumed,
          text: "\(silent) how images are preprocessed; ImageNet's preset at \(usual.crop!) is assumed; "
            + "give \(.preset), or \(.mean), \(.std), \(.range) and so on"
            + (size == nil ? "" : "; the file leaves the input's size open, give \(.size)"))
        return
      }
      if known.resize == nil, case .shorterSide(let side)? = usual.resize {
        let crop: Message =
          known.crop == nil
          ? " and the centre cropped to \(usual.crop!) (a picture of exactly that size is taken as it is)" : ""
        parts.append("the shorter side resized to \(side)" + crop)
        settings += ["\(.resize)"] + (known.crop == nil ? ["\(.crop)"] : [])
      }
      for (isKnown, part, setting) in [
        (known.range != nil, "the range 0 … \(brief(Double(usual.range)))", "\(.range)" as Message),
        (known.mean != nil, "the mean \(list(usual.mean))", "\(.mean)"),
        (known.std != nil, "the deviation \(list(usual.std))", "\(.std)"),
        (known.channels != nil || !hasColours, "the order RGB", "\(.channels)"),
      ] where !isKnown {
        parts.append("\(part)")
        settings.append(setting)
      }
    }
    guard !parts.isEmpty else {
      warning = nil
      return
    }
    let all = parts.dropFirst().reduce(parts[0]) { "\($0), \($1)" }
    let advice = settings.dropFirst().reduce(settings[0]) { "\($0), \($1)" }
    warning = Warning(
      code: .preprocessingAssumed, text: "assumed, as is usual for ImageNet: \(all); give \(advice)")
  }
}

/// A number with up to four significant digits.
func brief(_ number: Double) -> String {
  guard number != 0, number.isFinite else { return number == 0 ? "0" : "\(number)" }
  var digits = 4 - Int(log10(abs(number)).rounded(.up)), scale = 1.0
  if digits < 0 { digits = 0 }
  for _ in 0..<min(digits, 12) { scale *= 10 }
  let text = "\((number * scale).rounded() / scale)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
