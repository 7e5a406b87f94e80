import Graph

/// What a method may ask of a network besides the tap: how the target depends on the tap and on the input.
///
/// Activations and gradients are channels first, as the tap's are; what else the tensor holds, as class tokens, stays as
/// the image left it. Not for use by several threads at a time.
public final class Probe {
  /// What is explained.
  public let target: any Target
  /// The elements of the value that it is made of, of the image.
  public let contents: [Float]

  let session: Session
  /// The position of the tap among the session's.
  let tap: Int
  /// What the user chose about methods.
  var settings = MethodSettings()
  private var model: Model { session.model }
  private var layout: FeatureMapLayout { session.taps[tap].layout! }

  init(_ session: Session, tap: Int, target: any Target) {
    self.session = session
    self.tap = tap
    self.target = target
    contents = session.contents
  }

  /// The target's score, of the image.
  public var score: Float { get throws { try target.score(contents) } }

  /// The class explained, for a method that is about classes.
  ///
  /// Throws `unsupported` naming the method where something else is explained.
  public func classTarget(for method: String) throws -> ClassTarget {
    guard let target = target as? ClassTarget else {
      throw GradCAMError(
        .unsupported, at: "\(.method, method)",
        problem: "is defined for the score of a class; what is explained is \(target.description)",
        advice: "explain a class, or choose a method such as gradcam")
    }
    return target
  }

  /// The size of the network's input.
  public var inputSize: PixelSize { session.inputSize }

  /// The scores for changed activations at the tap; only the network behind it runs.
  ///
  /// - Parameter change: changes a copy of the activation; called by several threads at a time.
  public func scores(
    ofActivations count: Int, change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float] {
    try session.tail(behind: session.taps[tap].value).scores(count, of: target, passed: session.passed) {
      index, contents in
      layout.change(contents) { change(index, $0) }
    }
  }

  /// The scores for changed inputs.
  ///
  /// - Parameters:
  ///   - passed: told how many scores were computed, each time that there are more; nil for the session's own meter.
  ///   - change: changes a copy of the network's input, laid out as `multiplyInput` knows; called by several threads at a
  ///     time.
  ///
  /// Throws `unsupported` where the input takes whole numbers.
  public func scores(
    ofInputs count: Int, passed: ((Int) -> Void)? = nil,
    change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float] {
    try checkInput()
    let images = model.imageShape.images
    return try session.tail(behind: model.imageInput).scores(count, of: target, passed: passed ?? session.passed) {
      index, contents in
      change(index, UnsafeMutableBufferPointer(rebasing: images.first(of: contents)))
    }
  }

  /// Multiplies an input's pixels by a mask of its size.
  public func multiplyInput(_ input: UnsafeMutableBufferPointer<Float>, by mask: [Float]) {
    let channels = model.imageShape.channels
    mask.withUnsafeBufferPointer { mask in
      switch model.imageShape.layout {
      case .nchw:
        for channel in 0..<channels {
          let plane = input.baseAddress! + channel * mask.count
          for index in mask.indices { plane[index] *= mask[index] }
        }
      case .nhwc: for index in input.indices { input[index] *= mask[index / channels] }
      }
    }
  }

  /// The channels of the image as the network sees it, each a plane of the input's size.
  var inputPlanes: [[Float]] {
    let input = model.imageShape.images.first(of: session.image.floats), channels = model.imageShape.channels
    let count = session.inputSize.width * session.inputSize.height
    return (0..<channels).map { channel in
      switch model.imageShape.layout {
      case .nchw: Array(input[channel * count..<(channel + 1) * count])
      case .nhwc: (0..<count).map { input[$0 * channels + channel] }
      }
    }
  }

  /// Fills an input with an image's planes.
  func setInput(_ input: UnsafeMutableBufferPointer<Float>, to planes: [[Float]]) {
    for (channel, plane) in planes.enumerated() {
      switch model.imageShape.layout {
      case .nchw: _ = input[(channel * plane.count)...].update(fromContentsOf: plane)
      case .nhwc: for index in plane.indices { input[index * planes.count + channel] = plane[index] }
      }
    }
  }

  /// Activation and gradient of a changed input.
  ///
  /// Throws `unsupported` where the input takes whole numbers.
  public func tap(changingInput change: (UnsafeMutableBufferPointer<Float>) -> Void) throws -> Tap {
    try checkInput()
    let input = session.image, companion = session.companion
    var values = input.floats
    values.withUnsafeMutableBufferPointer { change($0) }
    try companion.forward(Tensor(values, shape: input.shape, floatingType: input.elementType))
    try companion.backward(from: target)
    session.passed(1)
    return companion.tap(tap)
  }

  /// Activation and gradient of the image for another target.
  public func tap(explaining target: any Target) throws -> Tap {
    let companion = session.companion
    try companion.forward(session.image)
    try companion.backward(from: target)
    return companion.tap(tap)
  }

  /// The gradient of the score at a changed activation.
  public func gradient(changingActivation change: (UnsafeMutableBufferPointer<Float>) -> Void) throws -> [Float] {
    let tail = try session.tail(behind: session.taps[tap].value)
    defer { session.passed(1) }
    return try tail.gradient(at: changedActivation(change), of: target).floats.withUnsafeBufferPointer(layout.gather)
  }

  /// The activation at the tap, changed, as the network has it.
  func changedActivation(_ change: (UnsafeMutableBufferPointer<Float>) -> Void) -> Tensor {
    let activation = session.activation(tap)
    var values = activation.floats
    values.withUnsafeMutableBufferPointer { layout.change($0, change) }
    return Tensor(values, shape: activation.shape, floatingType: activation.elementType)
  }

  /// Throws `unsupported` where the input takes whole numbers.
  func checkInput() throws {
    guard model.imageShape.elementType.storage == .float32 else {
      throw GradCAMError(
        .unsupported, at: "input '\(model.graph.values[model.imageInput].name)'",
        problem: "takes \(model.imageShape.elementType), which cannot be changed little by little as the method asks",
        advice: "choose a method that needs the network as it is, such as gradcam or ablationcam")
    }
  }
}
