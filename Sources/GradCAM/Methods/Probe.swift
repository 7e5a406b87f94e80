import Graph

/// What a method may ask of a network besides the tap: how the target depends on the tap and on the input.
///
/// Activations and gradients are channels first, as in the tap; other entries of the tensor, such as class tokens, keep
/// the image's contents. Not for use by several threads at a time.
public final class Probe {
  /// The target.
  public let target: any Target
  /// The elements of the explained value, for the image.
  public let contents: [Float]

  let observation: Observation
  /// The position of the tap among the observation's.
  let tap: Int
  /// Receives the number of runs of the network, or of the part downstream of a tap.
  private let passed: (Int) throws -> Void
  private let knownTaps: [Tap]?
  /// Where the elements of an image lie in the network's input.
  private let inputLayout: FeatureMapLayout
  /// What the method last reported.
  private var completeness: Completeness?
  private var model: Model { observation.model }
  private var layout: FeatureMapLayout { observation.taps[tap].layout! }

  /// - Parameters:
  ///   - taps: activation and gradient at all requested nodes, if already known.
  ///   - passed: receives the number of new runs of the network, or of the part downstream of a tap.
  init(
    _ observation: Observation, tap: Int, target: any Target, taps: [Tap]? = nil,
    passed: @escaping (Int) throws -> Void = { _ in }
  ) {
    self.observation = observation
    self.tap = tap
    self.target = target
    self.passed = passed
    knownTaps = taps
    contents = observation.contents
    inputLayout = observation.model.imageShape.elements(for: observation.planner.inputSize)
  }

  /// Activation and gradient at all requested nodes.
  var taps: [Tap] { get throws { try knownTaps ?? observation.taps(of: target) } }

  /// The target's score for the image.
  public var score: Float { get throws { try target.score(contents) } }

  /// The class explained, for a method that is defined for classes.
  ///
  /// Throws `unsupported` naming the method if the target is not a class.
  public func classTarget(for method: String) throws -> ClassTarget {
    guard let target = target as? ClassTarget else {
      throw GradCAMError(
        .unsupported, at: "\(.method, method)",
        problem: "is defined for the score of a class; the target is \(target.description)",
        advice: "explain a class, or choose a method such as gradcam")
    }
    return target
  }

  /// The size of the network's input.
  public var inputSize: PixelSize { observation.planner.inputSize }

  /// The scores for changed activations at the tap; only the part of the network downstream runs.
  ///
  /// - Parameter change: changes a copy of the activation; called from several threads at a time.
  public func scores(
    ofActivations count: Int, change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float] {
    try observation.tail(after: observation.taps[tap].value).scores(count, of: target, passed: passed) {
      index, contents in
      layout.change(contents) { change(index, $0) }
    }
  }

  /// The scores for changed inputs.
  ///
  /// - Parameters:
  ///   - passed: receives the number of newly computed scores; nil for the probe's own meter.
  ///   - change: changes a copy of the network's input, laid out as for `multiplyInput`; called from several threads
  ///     at a time.
  ///
  /// Throws `unsupported` if the input takes integers.
  public func scores(
    ofInputs count: Int, passed: ((Int) throws -> Void)? = nil,
    change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float] {
    try checkInput()
    let images = observation.images
    let tail = try observation.tail(after: model.imageInput)
    return try tail.scores(count, of: target, passed: passed ?? self.passed) { index, contents in
      change(index, UnsafeMutableBufferPointer(rebasing: images.one(of: contents)))
    }
  }

  /// Multiplies an input's pixels by a mask of its size.
  public func multiplyInput(_ input: UnsafeMutableBufferPointer<Float>, by mask: [Float]) {
    mask.withUnsafeBufferPointer { mask in
      inputLayout.change(input) { elements in
        for channel in 0..<inputLayout.channels {
          let plane = elements.baseAddress! + channel * mask.count
          for index in mask.indices { plane[index] *= mask[index] }
        }
      }
    }
  }

  /// The gradients of the score at changed inputs.
  ///
  /// - Parameters:
  ///   - change: as for `scores(ofInputs:)`.
  ///   - receive: receives the number of an input and its gradient, channels first, in order.
  ///
  /// Throws `unsupported` if the input takes integers.
  public func gradients(
    ofInputs count: Int, change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void,
    receive: (_ index: Int, [Float]) throws -> Void
  ) throws {
    try checkInput()
    let images = observation.images
    try observation.tail(after: model.imageInput).gradients(count, of: target, passed: passed) { index, contents in
      change(index, UnsafeMutableBufferPointer(rebasing: images.one(of: contents)))
    } receive: { index, gradient in
      try receive(index, inputLayout.gather(UnsafeBufferPointer(rebasing: images.one(of: gradient))))
    }
  }

  /// Tells the user how far a method's attributions add up to what they explain.
  public func report(_ completeness: Completeness) { self.completeness = completeness }

  /// What a method reported since the last call.
  func takeCompleteness() -> Completeness? {
    defer { completeness = nil }
    return completeness
  }

  /// The channels of the image as the network sees it, each a plane of the input's size.
  var inputPlanes: [[Float]] { inputPlanes(of: observation.image.tensor)! }

  /// The channels of the image in a tensor for the network's input; nil if it does not have the input's shape.
  func inputPlanes(of tensor: Tensor) -> [[Float]]? {
    guard tensor.shape == observation.image.tensor.shape else { return nil }
    let input = Array(observation.images.one(of: tensor.floats))
    let elements = input.withUnsafeBufferPointer(inputLayout.gather), count = inputLayout.positions
    return (0..<inputLayout.channels).map { Array(elements[$0 * count..<($0 + 1) * count]) }
  }

  /// Fills an input with an image's planes.
  func setInput(_ input: UnsafeMutableBufferPointer<Float>, to planes: [[Float]]) {
    inputLayout.change(input) { elements in
      for (channel, plane) in planes.enumerated() {
        _ = elements[(channel * plane.count)...].update(fromContentsOf: plane)
      }
    }
  }

  /// The network's input with other planes for the image.
  ///
  /// Throws `unsupported` if the input takes integers.
  func input(showing planes: [[Float]]) throws -> Tensor { try changedInput { setInput($0, to: planes) } }

  private func changedInput(_ change: (UnsafeMutableBufferPointer<Float>) -> Void) throws -> Tensor {
    try checkInput()
    let input = observation.image.tensor
    var values = input.floats
    values.withUnsafeMutableBufferPointer {
      change(UnsafeMutableBufferPointer(rebasing: observation.images.one(of: $0)))
    }
    return Tensor(values, shape: input.shape, floatingType: input.elementType)
  }

  /// Activation and gradient of a changed input.
  ///
  /// Throws `unsupported` if the input takes integers.
  public func tap(changingInput change: (UnsafeMutableBufferPointer<Float>) -> Void) throws -> Tap {
    try visit(changedInput: change) { try $0.taps(of: target)[tap] }
  }

  /// Calls `body` with an observation of a changed input.
  ///
  /// Throws `unsupported` if the input takes integers.
  func visit<Result>(
    changedInput change: (UnsafeMutableBufferPointer<Float>) -> Void, _ body: (Observation) throws -> Result
  ) throws -> Result {
    let changed = try observation.sibling(changedInput(change))
    try passed(1)
    return try body(changed)
  }

  /// Activation and gradient of the image for another target of the same value.
  public func tap(explaining target: any Target) throws -> Tap { try observation.taps(of: target)[tap] }

  /// The gradient of the score at a changed activation.
  public func gradient(changingActivation change: (UnsafeMutableBufferPointer<Float>) -> Void) throws -> [Float] {
    let tail = try observation.tail(after: observation.taps[tap].value)
    let gradient = try tail.gradient(at: try changedActivation(change), of: target)
    try passed(1)
    return gradient.floats.withUnsafeBufferPointer(layout.gather)
  }

  /// The changed activation at the tap, in the network's layout.
  func changedActivation(_ change: (UnsafeMutableBufferPointer<Float>) -> Void) throws -> Tensor {
    let activation = try observation.tensor(of: observation.taps[tap].value)
    var values = activation.floats
    values.withUnsafeMutableBufferPointer { layout.change($0, change) }
    return Tensor(values, shape: activation.shape, floatingType: activation.elementType)
  }

  /// Throws `unsupported` if the input takes integers.
  func checkInput() throws {
    guard model.imageShape.elementType.storage == .float32 else {
      throw GradCAMError(
        .unsupported, at: "input '\(model.graph.values[model.imageInput].name)'",
        problem: "takes \(model.imageShape.elementType), to which the method cannot make small changes",
        advice: "choose a method that leaves the input unchanged, such as gradcam or ablationcam")
    }
  }
}
