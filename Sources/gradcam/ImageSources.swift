import GradCAM
import Graph

/// The images to explain: picture files, files of numbers and films, one after another, for one image input; the others
/// keep what they were given.
///
/// Without files, what an image input was given: a picture, or the images of a tensor.
struct ImageSources {
  /// A file, or the frames of a film.
  private struct Item {
    let name: String
    let files: [String]
    let isFilm: Bool
    let isPictured: Bool

    init(file: String, for input: ImageShape) {
      (name, files, isFilm, isPictured) = (file, [file], false, !NumberFile.isOne(file, for: input))
    }

    init(film: NamedImages.Group) {
      name = film.path.count > 1 && film.path.hasSuffix("/") ? String(film.path.dropLast()) : film.path
      (files, isFilm, isPictured) = (film.files, true, true)
    }
  }

  private let images: [Item]
  private let axes: NumberFile.VolumeAxes
  private let given: [String: ImageContents]
  /// What the image input takes that the files are for.
  private let shape: ImageShape
  /// The image input that the picture files are for, else the first one that was given something.
  let input: String
  private let path: String
  /// The images of a run that are explained, if there are no picture files.
  private let places: [Int]
  /// The number of images that the model takes at a time.
  private let batch: Int

  /// Takes the paths; pictures are read later, one by one.
  ///
  /// They are for the first image input that has nothing yet.
  /// - Parameter item: the only image of the tensor to explain; nil for all.
  ///
  /// Throws `usage` if there is no image, if every image input has one already, or for no such image in the tensor.
  init(
    images named: NamedImages, tensors: InputTensors, axes: NumberFile.VolumeAxes = .xyz, model: Model,
    item: Int? = nil
  ) throws {
    (self.axes, given, batch) = (axes, tensors.images, model.imageShape.batch)
    let takesFrames = model.imageShape.takesFrames
    let images = named.groups.flatMap { group in
      takesFrames && group.isFolder && group.files.allSatisfy(Picture.hasKnownExtension)
        ? [Item(film: group)] : group.files.map { Item(file: $0, for: model.imageShape) }
    }
    self.images = images
    let names = model.imageInputs.map(\.name)
    guard let input = names.first(where: { (tensors.images[$0] == nil) != images.isEmpty }) else {
      throw GradCAMError(
        .usage, problem: images.isEmpty ? "no image was given" : "both an image and a tensor for it were given",
        advice: "give one or more image files, or --tensor FILE.npy")
    }
    self.input = input
    shape = model.imageInputs.first { $0.name == input }!.shape
    path = tensors.imagePaths[input] ?? ""
    guard batch == 1 || (0..<batch).contains(item ?? 0) else {
      throw GradCAMError(
        .usage, at: "--item \(item!)", problem: "the model takes \(batch) images at a time",
        advice: "use 0 to \(batch - 1)")
    }
    places = batch == 1 || tensors.batch == nil ? [0] : item.map { [$0] } ?? Array(0..<batch)
  }

  var count: Int { images.isEmpty ? places.count : images.count }
  /// The number of different inputs, each of one or more images.
  var inputCount: Int { images.isEmpty ? 1 : images.count }
  var usesPictures: Bool { images.contains(where: \.isPictured) || given.values.contains(where: \.isPictured) }

  /// The path, for a tensor of several images with the number of the image before its extension.
  func name(_ index: Int) -> String {
    guard images.isEmpty else { return images[index].name }
    guard batch > 1 else { return path }
    let name = path.hasSuffix(".npy") ? String(path.dropLast(4)) : path
    return "\(name)[\(places[index])]\(path.dropFirst(name.count))"
  }

  /// The files that an image is read from.
  func files(_ index: Int) -> [String] { images.isEmpty ? [name(index)] : images[index].files }

  /// Reads an image and turns it into the network's input.
  ///
  /// If the network takes several images together, as many pictures are its input, one of which is explained.
  ///
  /// Throws what reading throws, and `usage` naming the picture if it cannot be resized and cropped as requested.
  func prepare(_ index: Int, _ explainer: Explainer) throws -> PreparedImage {
    guard !images.isEmpty else {
      var image = try explainer.prepare(given)
      image.place = places[index]
      return image
    }
    guard isTogether(explainer) else { return try prepare(images[index], explainer) }
    guard images.count == batch else {
      throw GradCAMError(
        .usage, problem: "the model takes \(batch) images together, but \(images.count) were given",
        advice: "give \(batch), or one to be repeated")
    }
    return explainer.prepare(together: try images.map { try prepare($0, explainer) }, explaining: index)
  }

  /// What is made of the first image that it can be made of, among a few.
  ///
  /// - Parameter make: receives what prepares an image.
  ///
  /// Throws what it throws for the last of them.
  func first<Made>(_ make: (@escaping (Explainer) throws -> PreparedImage) throws -> Made) throws -> Made {
    let last = min(count, 16) - 1
    for index in 0..<last {
      do {
        return try make { try prepare(index, $0) }
      } catch let error as GradCAMError where error.kind == .badData || error.isAboutFile {
        continue
      }
    }
    return try make { try prepare(last, $0) }
  }

  private func prepare(_ item: Item, _ explainer: Explainer) throws -> PreparedImage {
    var contents = given
    contents[input] =
      try item.isFilm
      ? .frames(item.files.map { try Picture(contentsOf: $0) })
      : ImageContents(contentsOf: item.name, for: shape, axes: axes)
    return try located(item.name) { try explainer.prepare(contents) }
  }

  /// Whether the pictures are one input.
  func isTogether(_ explainer: Explainer) -> Bool { images.count > 1 && explainer.takesImagesTogether }
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
