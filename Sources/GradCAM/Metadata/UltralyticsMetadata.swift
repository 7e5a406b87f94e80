import Graph

/// What Ultralytics writes into the files that it exports, as literals of Python.
public struct UltralyticsMetadata: Sendable, Equatable {
  /// What the network does: `detect`, `segment`, `classify`, `pose` or `obb`; nil if the file does not say.
  public let task: String?
  /// The names of the classes, from `names`; nil if the file does not have that entry, which Ultralytics always writes.
  public let names: [String]?
  /// The size of the input, from `imgsz`; nil if the file does not say.
  public let imageSize: PixelSize?
  /// The largest stride of the feature maps; nil if the file does not say.
  public let stride: Int?
  /// Whether pictures are squashed to the input, as for RT-DETR and for depths, not padded.
  let squashesPictures: Bool
  /// The number of keypoints and of numbers for each, from `kpt_shape`; nil for networks without keypoints.
  public let keypointShape: [Int]?
  /// Whether the outputs are final boxes, selected inside of the network: from `end2end`, or `nms` among `args`.
  public let selectsBoxes: Bool

  /// Whether the network is an RT-DETR, whose boxes are queries: from `head`, else from the description.
  public let isRealTimeTransformer: Bool

  /// Reads a file's metadata.
  init(_ metadata: [String: String]) {
    func literal(_ key: String) -> LiteralValue? { metadata[key].flatMap { LiteralValue($0) } }
    names = literal("names")?.classNames
    task = metadata["task"]?.trimmingSpace
    stride = literal("stride")?.integer
    squashesPictures =
      task == "depth" || metadata["head"]?.hasPrefix("RTDETR") ?? false
      || metadata["description"]?.lowercased().contains("rtdetr") ?? false
    keypointShape = literal("kpt_shape")?.numbers?.compactMap { Int(exactly: $0) }
    selectsBoxes = literal("end2end")?.bool == true || literal("args")?["nms"]?.bool == true
    isRealTimeTransformer =
      metadata["head"].map { $0 == "RTDETRDecoder" }
      ?? (metadata["description"]?.lowercased().contains("rtdetr") ?? false)
    // Height first.
    let extents = literal("imgsz")?.numbers?.compactMap { Int(exactly: $0) } ?? []
    let isSize = (1...2).contains(extents.count) && extents.allSatisfy { (1...65_536).contains($0) }
    imageSize = isSize ? PixelSize(width: extents.last!, height: extents[0]) : nil
  }

  /// How pictures are preprocessed, as far as it is known.
  ///
  /// Pixels are 0 … 1, RGB. Classifiers see the centre of the picture; most other networks get it padded to the input, or
  /// if its size is open, to the least multiples of the stride that hold it. Nothing is known of a file that has names
  /// alone, and nothing about resizing if it does not say the task.
  func preprocessing(isSizeOpen: Bool) -> PreprocessingChoice {
    var choice = PreprocessingChoice()
    choice.size = imageSize
    guard task != nil || stride != nil else { return choice }
    (choice.range, choice.mean, choice.std, choice.channels) = (1, [0, 0, 0], [1, 1, 1], .rgb)
    if task == "classify" {
      if let imageSize {
        (choice.resize, choice.crop) = (.shorterSide(max(imageSize.width, imageSize.height)), imageSize)
      }
    } else if squashesPictures {
      choice.resize = imageSize.map { .exact($0) }
      choice.interpolation = .opencv
    } else if task != nil {
      choice.resize = .letterbox(Letterbox(stride: isSizeOpen ? max(stride ?? 32, 1) : nil))
    }
    return choice
  }
}
