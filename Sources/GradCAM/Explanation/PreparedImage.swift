import Graph

/// What an image input is given.
public enum ImageContents: Sendable {
  /// A picture, which is resized, cropped and normalised.
  case picture(Picture)
  /// The frames of a film, which are resized, cropped and normalised.
  case frames([Picture])
  /// The numbers of a file, unchanged but for their order.
  case file(NumberFile)
  /// A tensor, unchanged.
  case tensor(Tensor)
}

extension ImageContents {
  /// Reads a file for an input: numbers if its extension is one that `NumberFile` knows, else a picture.
  ///
  /// Throws what reading throws.
  public init(contentsOf path: String, for input: ImageShape, axes: NumberFile.VolumeAxes = .xyz) throws {
    try self.init(decoding: contentsOfFile(at: path), of: path, for: input, axes: axes)
  }

  /// Decodes the bytes of a file, which is not read, as `init(contentsOf:for:axes:)` does.
  public init(decoding bytes: [UInt8], of path: String, for input: ImageShape, axes: NumberFile.VolumeAxes = .xyz)
    throws
  {
    self =
      NumberFile.isOne(path, for: input)
      ? .file(try NumberFile(decoding: bytes, of: path, axes: axes))
      : .picture(try located(path) { try Picture(decoding: bytes) })
  }

  /// Whether it is preprocessed.
  public var isPictured: Bool {
    switch self {
    case .picture, .frames: true
    case .file, .tensor: false
    }
  }
}

/// What is known of numbers besides themselves.
public struct NumberSource: Sendable {
  /// The samples per second of a signal; nil if nothing says so.
  public var rate: Double?
  /// Where a volume lies in space; nil if nothing says so.
  public var space: NIfTIHeader?
  /// Whether the numbers were made of pictures by the model's preprocessing.
  public internal(set) var isPreprocessed = false

  /// Nothing.
  public init() {}
}

/// An image prepared for a model: the picture to draw on, and the tensor that the network sees.
public struct PreparedImage: Sendable {
  /// The picture that maps are drawn over; nil if the user gave a tensor.
  public let picture: Picture?
  /// The network's input.
  public let tensor: Tensor
  /// How the picture became the tensor.
  public let geometry: PreprocessingGeometry
  /// Which image of a run is explained, if the model takes several at a time.
  public var place = 0
  /// What is known of the input's numbers, if it is no picture.
  public var source = NumberSource()
  /// How the picture's colours became the tensor's numbers; nil if the user gave numbers.
  var preprocessing: Preprocessing?
  /// What the user should know about the picture.
  public internal(set) var warnings: [Warning] = []
  /// What the model's image inputs after the first one get, by value.
  public internal(set) var others: [ValueID: PreparedImage] = [:]
}

extension PreparedImage {
  /// A tensor that is the input of a network of a size.
  ///
  /// - Parameter place: which of its images is explained.
  public init(_ tensor: Tensor, size: PixelSize, place: Int = 0) {
    self.init(
      picture: nil, tensor: tensor, geometry: PreprocessingGeometry(original: size, resized: size), place: place)
  }

  /// What an image input gets; nil if it gets nothing.
  func part(for input: ImageInput, of model: Model) -> PreparedImage? {
    input.value == model.imageInput ? self : others[input.value]
  }

  /// What a model's image inputs get, by value.
  ///
  /// Throws `usage` if one gets nothing.
  func contents(for model: Model) throws -> [ValueID: Tensor] {
    Dictionary(
      uniqueKeysWithValues: try model.imageInputs.map { input in
        guard let part = part(for: input, of: model) else { throw Self.missing(input) }
        return (input.value, part.tensor)
      })
  }

  /// The error for an input that gets nothing.
  fileprivate static func missing(_ input: ImageInput) -> GradCAMError {
    GradCAMError(
      .usage, at: "input '\(input.name)'", problem: "takes a picture, too, but none was given",
      advice: "give \(.image, as: "\(input.name)=FILE") or \(.tensor, as: "\(input.name)=FILE.npy")")
  }

  /// The image with another tensor for the first image input.
  func with(_ tensor: Tensor) -> PreparedImage {
    PreparedImage(
      picture: nil, tensor: tensor, geometry: geometry, place: place, source: source, preprocessing: preprocessing,
      others: others)
  }
}

extension Executor {
  /// Gives a model's image inputs what an image has for them.
  ///
  /// Throws `usage` if it has nothing for one that the plan reads, `badData` if a tensor does not have the planned shape.
  func set(_ model: Model, to image: PreparedImage) throws {
    for input in model.imageInputs {
      if let part = image.part(for: input, of: model) {
        try set(input.value, to: part.tensor)
      } else if reads(input.value) {
        throw PreparedImage.missing(input)
      }
    }
  }
}
