import GradCAM
import Graph

/// An image to explain.
struct SourceImage {
  /// Its number among those of the run, from 0.
  let index: Int
  /// What messages call it.
  let path: String
  /// What rows call it.
  let name: String
  /// The files that it is read from.
  let files: [String]
  /// The file of the image input; nil if that was given something.
  fileprivate var file: ImageFile?
  /// Which of the images of a run it is.
  fileprivate let place: Int

  /// Reads its file, unless it is a film.
  ///
  /// Throws what reading throws.
  mutating func load() throws { try file?.load() }

  /// The SHA-256 of its file; nil until that is read.
  var sha256: String? { file?.sha256 }
}

/// The images to explain: picture files, files of numbers and films, one after another, for one image input; the others
/// keep what they were given.
///
/// Without files, what an image input was given: a picture, or the images of a tensor.
final class ImageSources {
  private let named: NamedImages
  private let stream: ImageStream
  private let axes: NumberFile.VolumeAxes
  private let given: [String: ImageContents]
  /// What the image input takes that the files are for.
  private let shape: ImageShape
  /// The image input that the picture files are for, else the first one that was given something.
  let input: String
  /// Whether images are named.
  private let areNamed: Bool
  private let path: String
  /// The images of a run that are explained, if there are no picture files.
  private let places: [Int]
  /// The number of images that the model takes at a time.
  private let batch: Int
  /// How many images were taken.
  private var taken = 0
  /// The number of images, counted up to `uncounted`.
  let count: Int
  /// The number of different inputs, each of one or more images, counted alike.
  var inputCount: Int { areNamed ? count : 1 }
  let usesPictures: Bool

  /// As many images are not counted, and stand for any number of more; those of archives and lists stand for as many.
  static let uncounted = 1000

  /// Takes the names; pictures are read later, one by one.
  ///
  /// They are for the first image input that has nothing yet.
  /// - Parameter item: the only image of the tensor to explain; nil for all.
  ///
  /// Throws `usage` if there is no image, if every image input has one already, or for no such image in the tensor.
  init(
    images named: NamedImages, tensors: InputTensors, axes: NumberFile.VolumeAxes = .xyz, model: Model,
    item: Int? = nil
  ) throws {
    self.named = named
    (self.axes, given, batch) = (axes, tensors.images, model.imageShape.batch)
    let names = model.imageInputs.map(\.name), areNamed = !named.sources.isEmpty
    self.areNamed = areNamed
    guard let input = names.first(where: { (tensors.images[$0] == nil) == areNamed }) else {
      throw GradCAMError(
        .usage, problem: areNamed ? "both an image and a tensor for it were given" : "no image was given",
        advice: "give one or more image files, or --tensor FILE.npy")
    }
    self.input = input
    let shape = model.imageInputs.first { $0.name == input }!.shape
    self.shape = shape
    path = tensors.imagePaths[input] ?? ""
    guard batch == 1 || (0..<batch).contains(item ?? 0) else {
      throw GradCAMError(
        .usage, at: "--item \(item!)", problem: "the model takes \(batch) images at a time",
        advice: "use 0 to \(batch - 1)")
    }
    places = batch == 1 || tensors.batch == nil ? [0] : item.map { [$0] } ?? Array(0..<batch)
    stream = named.stream(areFilms: model.imageShape.takesFrames)
    count = areNamed ? try named.count(areFilms: model.imageShape.takesFrames, upTo: Self.uncounted) : places.count
    usesPictures =
      try stream.peek(1).contains { $0.isFilm || !NumberFile.isOne($0.path, for: shape) }
      || tensors.images.values.contains(where: \.isPictured)
  }

  /// The next image; nil if there is none.
  ///
  /// Throws what going through folders, archives and lists throws.
  func next() throws -> SourceImage? {
    defer { taken += 1 }
    guard areNamed else { return taken < places.count ? image(at: taken) : nil }
    return try stream.next().map { image($0, taken) }
  }

  /// Up to so many of the next images, which are still to be taken.
  func peek(_ count: Int) throws -> [SourceImage] {
    areNamed
      ? try stream.peek(count).enumerated().map { image($1, taken + $0) }
      : (taken..<min(places.count, taken + count)).map(image)
  }

  private func image(_ file: ImageFile, _ index: Int) -> SourceImage {
    SourceImage(index: index, path: file.path, name: file.name, files: file.files, file: file, place: 0)
  }

  /// An image of a tensor; of several, its number stands before the extension.
  private func image(at index: Int) -> SourceImage {
    var name = path
    if batch > 1 {
      let stem = path.hasSuffix(".npy") ? String(path.dropLast(4)) : path
      name = "\(stem)[\(places[index])]\(path.dropFirst(stem.count))"
    }
    return SourceImage(index: index, path: name, name: name, files: [name], file: nil, place: places[index])
  }

  /// Turns an image into the network's input.
  ///
  /// If the network takes several images together, as many pictures are its input, one of which is explained.
  ///
  /// Throws what reading throws, and `usage` naming the picture if it cannot be resized and cropped as requested.
  func prepare(_ source: SourceImage, _ explainer: Explainer) throws -> PreparedImage {
    guard let file = source.file else {
      var image = try explainer.prepare(given)
      image.place = source.place
      return image
    }
    guard isTogether(explainer) else { return try prepare(file, explainer) }
    guard count == batch else {
      throw GradCAMError(
        .usage, problem: "the model takes \(batch) images together, but \(count) were given",
        advice: "give \(batch), or one to be repeated")
    }
    let all = named.stream()
    return explainer.prepare(
      together: try (0..<batch).compactMap { _ in try all.next().map { try prepare($0, explainer) } },
      explaining: source.index)
  }

  /// What is made of the first image that it can be made of, among a few.
  ///
  /// - Parameter make: receives what prepares an image.
  ///
  /// Throws what it throws for the last of them.
  func first<Made>(_ make: (@escaping (Explainer) throws -> PreparedImage) throws -> Made) throws -> Made {
    var tried = 0
    while true {
      let few = try peek(tried + 1)
      guard let image = few.last else {
        throw GradCAMError(.usage, problem: "no image was given", advice: "give one or more image files")
      }
      tried += 1
      do {
        return try make { try self.prepare(image, $0) }
      } catch let error as GradCAMError where error.kind == .badData || error.isAboutFile {
        guard tried < 16, try peek(tried + 1).count > tried else { throw error }
      }
    }
  }

  private func prepare(_ file: ImageFile, _ explainer: Explainer) throws -> PreparedImage {
    var contents = given
    contents[input] = try file.imageContents(for: shape, axes: axes)
    return try located(file.path) { try explainer.prepare(contents) }
  }

  /// Whether the pictures are one input.
  func isTogether(_ explainer: Explainer) -> Bool { areNamed && count > 1 && explainer.takesImagesTogether }
}
/// What is made of the pictures that can be read, and the number of others, which warnings name.
///
/// Throws why if there are no others.
func readable<Made>(_ paths: [String], _ make: (String) throws -> Made) throws -> (made: [Made], unread: Int) {
  var made: [Made] = [], failures: [GradCAMError] = []
  for path in paths {
    do {
      made.append(try make(path))
    } catch let error as GradCAMError where paths.count > 1 && error.isAboutFile {
      failures.append(error)
      Console.warn("\(error); skipped")
    }
  }
  if made.isEmpty, let error = failures.first { throw error }
  return (made, failures.count)
}

/// Throws once all pictures are done if some could not be: `badData`, or `unreadable` if none could be.
func checkDone(_ failed: Int, of count: Int) throws {
  guard failed > 0 else { return }
  guard failed < count else {
    throw GradCAMError(
      .unreadable,
      problem: count == 1 ? "the picture could not be read" : "none of the \(count) pictures could be read",
      advice: "the formats are \(Picture.formats)")
  }
  throw GradCAMError(
    .badData, problem: "\(failed) of \(count) pictures could not be explained", advice: "the others are done")
}

extension Explainer {
  /// The warnings about what is assumed of a model and its images; nil stands for no images.
  func warnings(about sources: ImageSources?) -> [Warning] {
    guard let sources, sources.usesPictures else { return warnings.aboutTensors }
    return sources.isTogether(self) ? warnings.filter { $0.code != .imageRepeated } : warnings
  }
}
