/// What a preprocessing comes from.
enum PreprocessingSource: Sendable, Equatable {
  /// The user's choices.
  case given
  /// A file or an entry, by the name that users know it by.
  case named(String)
  /// Nothing says it, so the usual is assumed.
  case assumed
}

extension [PreprocessingSource] {
  /// For example `from squeezenet.json, the rest assumed`.
  var text: String {
    let names = compactMap { if case .named(let name) = $0 { name } else { nil } }
    let found = names.isEmpty ? "" : "from " + names.joined(separator: " and ")
    let parts = (contains(.given) ? ["as given"] : []) + (found.isEmpty ? [] : [found])
    guard contains(.assumed) else { return parts.joined(separator: ", else ") }
    return parts.isEmpty ? "assumed" : parts.joined(separator: ", else ") + ", the rest assumed"
  }
}

extension DecidedPreprocessing {
  /// What is done to every picture, and what says so, such as
  /// `BGR 0–255, minus 103.9, 116.8, 123.7, shorter side to 256, centre 224×224 (from squeezenet.json)`.
  public var text: String {
    guard shape.takesPictures || shape.takesFrames else { return "\(shape.noun)s as they are, \(shape)" }
    let frames = shape.takesFrames ? "frames of " : ""
    return frames + text(takesAnySize ? "at its own size" : preprocessing.resizingText(to: inputSize.plane))
  }

  /// The same in a few words: `caffe (from squeezenet.json)`.
  public var shortText: String {
    guard shape.takesPictures || shape.takesFrames else { return "none" }
    let preset = Preprocessing.Preset.allCases.first { preset in
      let usual = Preprocessing(preset, size: inputSize)
      return (usual.mean, usual.std, usual.range, usual.channels)
        == (preprocessing.mean, preprocessing.std, preprocessing.range, preprocessing.channels)
    }
    return "\(preset?.rawValue ?? preprocessing.valuesText(channels: channels)) (\(sources.text))"
  }

  fileprivate func text(_ resizing: String) -> String {
    "\(preprocessing.valuesText(channels: channels)), \(resizing) (\(sources.text))"
  }
}

extension Explainer {
  /// What is done to every picture, as `DecidedPreprocessing.text`.
  public var preprocessingText: String { decided.text }

  /// What was done to a picture to make it the network's input, as `DecidedPreprocessing.text`; nil for a tensor.
  public func preprocessingText(of image: PreparedImage) -> String? {
    guard let picture = image.picture else { return image.source.isPreprocessed ? decided.text : nil }
    if compatibility == .recipe { return decided.text(preprocessing.squashing(to: decided.inputSize)) }
    let isKept = decided.keepsFittingPictures && picture.size == decided.inputSize
    return isKept ? decided.text("at its own size") : decided.text
  }
}

extension Preprocessing {
  /// The numbers that pixels become, such as `RGB 0–1, minus 0.485, 0.456, 0.406, divided by 0.229, 0.224, 0.225`.
  fileprivate func valuesText(channels count: Int) -> String {
    func list(_ numbers: [Float]) -> String {
      let texts = numbers.map { brief(Double($0)) }
      return count == 1 || Set(texts).count == 1 ? texts[0] : texts.joined(separator: ", ")
    }
    let colours = count == 1 ? "grey" : channels.rawValue.uppercased()
    var parts = ["\(colours) 0–\(brief(Double(range)))"]
    if mean.prefix(count).contains(where: { $0 != 0 }) { parts.append("minus " + list(mean)) }
    if std.prefix(count).contains(where: { $0 != 1 }) { parts.append("divided by " + list(std)) }
    return parts.joined(separator: ", ")
  }

  /// How pictures are resized and cropped, such as `shorter side to 256, centre 224×224`.
  fileprivate func resizingText(to input: PixelSize) -> String {
    let centre = "centre \((crop ?? input).text)"
    switch resize {
    case nil: return squashing(to: input)
    case .exact(let size): return squashing(to: size) + (size == crop ?? input ? "" : ", \(centre)")
    case .shorterSide(let side): return "shorter side to \(side)\(filter), \(centre)"
    case .letterbox(let letterbox):
      return letterbox.text(to: input) + (interpolation == .opencv ? "" : " (\(interpolation.rawValue))")
    }
  }

  fileprivate func squashing(to size: PixelSize) -> String { "squashed to \(size.text)\(filter)" }

  /// The filter, unless it is the usual one.
  private var filter: String { interpolation == .bilinear ? "" : " (\(interpolation.rawValue))" }
}

extension PixelSize {
  /// For reading: `224×224`; of a signal its length, of a volume depth, height and width.
  package var text: String { rank == 2 ? "\(width)×\(height)" : extents.map(String.init).joined(separator: "×") }
}
