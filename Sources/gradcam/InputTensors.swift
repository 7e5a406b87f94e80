import GradCAM
import Graph

/// The arrays that `--tensor` gives a model's inputs.
struct InputTensors {
  /// The array for the image input, of one or more images, with the size that it fixes.
  let image: (path: String, tensor: Tensor, size: PixelSize)?
  /// The arrays for other inputs, by name.
  let others: [String: Tensor]
  /// The files read.
  let paths: [String]

  /// Reads `FILE` for the image input and `NAME=FILE` for any.
  ///
  /// Throws `usage` for a name that the model does not have or that is given twice, `badData` for an array that is not
  /// an image tensor, and what reading throws.
  init(_ arguments: [String], model: Model) throws {
    var image: (path: String, tensor: Tensor, size: PixelSize)?
    var others: [String: Tensor] = [:]
    var paths: [String] = []
    let imageName = model.graph.values[model.imageInput].name
    for argument in arguments {
      let (name, path) =
        argument.firstIndex(of: "=").map {
          (String(argument[..<$0]), String(argument[argument.index(after: $0)...]))
        } ?? (imageName, argument)
      func usage(_ problem: String, _ advice: String) -> GradCAMError {
        GradCAMError(.usage, at: "--tensor \(argument)", problem: problem, advice: advice)
      }
      let known = model.graph.inputs.map { "'\(model.graph.values[$0].name)'" }.joined(separator: ", ")
      guard let id = model.graph.inputs.first(where: { model.graph.values[$0].name == name }) else {
        throw usage("the model has no input '\(name)'", "its inputs are \(known)")
      }
      guard id == model.imageInput ? image == nil : others[name] == nil else {
        throw usage("input '\(name)' is given twice", "give each of \(known) once")
      }
      let array = try NPYArray(contentsOf: path)
      let tensor = array.tensor(of: model.graph.values[id].elementType ?? .float32)
      paths.append(path)
      if id == model.imageInput {
        image = (path, tensor, try model.imageShape.size(of: tensor.shape, at: path))
      } else {
        others[name] = tensor
      }
    }
    self.image = image
    self.others = others
    self.paths = paths
  }
}

extension ImageShape {
  /// Throws `badData` if the model does not take a tensor of this shape.
  fileprivate func size(of shape: Shape, at path: String) throws -> PixelSize {
    if shape.rank == 4 {
      let size = shape.imageSize(layout)
      if shape == taking(shape[0]).shape(for: size), admits(size), size.width > 0, size.height > 0 {
        return size
      }
    }
    throw GradCAMError(
      .badData, at: path, problem: "has shape \(shape), but the model takes \(self)",
      advice: "save an array of that shape")
  }
}
