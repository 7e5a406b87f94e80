import GradCAM
import Graph

/// What `--tensor` and `--image` give a model's inputs.
struct InputTensors {
  /// What image inputs are given, by name.
  let images: [String: ImageContents]
  /// The files of those, by name.
  let imagePaths: [String: String]
  /// The sizes of those that are tensors, by name.
  let sizes: [String: PixelSize]
  /// The number of images in the array for the first image input; nil if it is not given an array.
  let batch: Int?
  /// The arrays for other inputs, by name.
  let others: [String: Tensor]
  /// The files read.
  let paths: [String]

  /// Reads `--tensor FILE` for the first image input, and `NAME=FILE` for any; `--image NAME=FILE` for image inputs.
  ///
  /// - Parameter axes: what the axes of volumes are.
  ///
  /// Throws `usage` for a name that the model does not have or that is given twice, `badData` for an array that is not
  /// an image tensor, and what reading throws.
  init(tensors: [String], pictures: [String], axes: NumberFile.VolumeAxes, model: Model) throws {
    var images: [String: ImageContents] = [:]
    var imagePaths: [String: String] = [:]
    var sizes: [String: PixelSize] = [:]
    var others: [String: Tensor] = [:]
    var paths: [String] = []
    let inputs = model.graph.inputs.map { model.graph.values[$0] }
    let known = names(inputs.map(\.name))
    func parsed(_ argument: String, option: String) throws -> (input: Value, path: String) {
      let parts = argument.firstIndex(of: "=").map { (argument[..<$0], argument[argument.index(after: $0)...]) }
      let name = parts.map { String($0.0) } ?? model.imageInputs[0].name
      guard let input = inputs.first(where: { $0.name == name }) else {
        throw GradCAMError(
          .usage, at: "\(option) \(argument)", problem: "the model has no input '\(name)'",
          advice: "its inputs are \(known)")
      }
      guard images[name] == nil, others[name] == nil else {
        throw GradCAMError(
          .usage, at: "\(option) \(argument)", problem: "input '\(name)' is given twice",
          advice: "give each of \(known) once")
      }
      paths.append(parts.map { String($0.1) } ?? argument)
      return (input, paths.last!)
    }
    for argument in tensors {
      let (input, path) = try parsed(argument, option: "--tensor")
      let file = try NumberFile(contentsOf: path, axes: axes)
      if let image = model.imageInputs.first(where: { $0.name == input.name }) {
        sizes[input.name] = try located(path) { try file.size(for: image.shape) }
        (images[input.name], imagePaths[input.name]) = (.file(file), path)
      } else {
        others[input.name] = file.tensor(of: input.elementType ?? .float32)
      }
    }
    for argument in pictures {
      let (input, path) = try parsed(argument, option: "--image")
      guard model.imageInputs.contains(where: { $0.name == input.name }) else {
        throw GradCAMError(
          .usage, at: "--image \(argument)", problem: "input '\(input.name)' does not take a picture",
          advice: "those that do are \(names(model.imageInputs.map(\.name))); give --tensor for others")
      }
      (images[input.name], imagePaths[input.name]) = (.picture(try Picture(contentsOf: path)), path)
    }
    (self.images, self.imagePaths, self.sizes, self.others) = (images, imagePaths, sizes, others)
    self.paths = paths
    let first = model.imageInputs[0]
    batch = if case .file(let file)? = images[first.name] { try file.count(for: first.shape) } else { nil }
  }

  /// How pictures are preprocessed, with the sizes of the inputs: those of tensors, if there are any.
  ///
  /// - Parameter images: the files for the first image input; the first one decides what the model leaves open, if it is
  ///   one of numbers.
  func preprocessing(
    _ choice: PreprocessingChoice, for model: Model, images: [String] = [], axes: NumberFile.VolumeAxes = .xyz
  ) throws -> DecidedPreprocessing {
    var sizes = sizes
    let first = model.imageInputs[0]
    if sizes[first.name] == nil, first.shape.isSizeOpen, let path = images.first,
      NumberFile.isOne(path, for: first.shape)
    {
      sizes[first.name] = try located(path) { try NumberFile(contentsOf: path, axes: axes).size(for: first.shape) }
    }
    return try DecidedPreprocessing(choice, for: model, inputs: others.mapValues { ValueInfo($0) }, sizes: sizes)
  }
}

private func names(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
