import Graph

/// What a network does to its input before its first layer: changes of type and order, resizing, and scaling by
/// constants.
struct PreprocessingInFile {
  /// What is done, in words; empty if nothing is.
  private(set) var steps: [String] = []
  /// The value of full brightness that the constants are made for; nil if they do not tell.
  private(set) var range: Float?
  /// The order of colours that the constants are made for; nil if they do not tell.
  private(set) var channels: Preprocessing.Channels?
  /// What the constants are made for, as far as they tell: pixels of the range, without mean and deviation.
  var preprocessing: PreprocessingChoice {
    var choice = PreprocessingChoice()
    choice.channels = channels
    if let range { (choice.range, choice.mean, choice.std) = (range, [0, 0, 0], [1, 1, 1]) }
    return choice
  }
  /// Whether height and width are resized to extents that do not depend on those of the input.
  private(set) var fixesSize = false

  /// Follows an image input to the first layer.
  ///
  /// - Parameters:
  ///   - size: a size that the input admits.
  ///   - inputs: type and shape of the inputs other than images.
  init(_ input: ImageInput, of model: Model, size: PixelSize, inputs: [String: ValueInfo]) {
    let nodes = model.graph.nodesBeforeLayers(from: input.value)
    guard !nodes.isEmpty else { return }
    let results = Set(nodes.flatMap { model.graph.nodes[$0].results })
    func infos(_ size: PixelSize) -> [ValueID: ValueInfo]? {
      var inputs = inputs
      inputs[input.name] = ValueInfo(input.shape.elementType, input.shape.shape(for: size))
      return try? model.inferred(size: size, inputs: inputs, reaching: results).infos
    }
    guard let found = infos(size) else { return }
    var walk = Walk(input, of: model.graph, nodes: nodes, infos: found)
    while walk.step() {}
    let scaling = walk.inOrderOfInput
    if walk.isScaled { decide(scaling.scale, scaling.shift, byNormalization: walk.isNormalization) }
    if let resized = walk.resized {
      var other = size
      other.width += 32
      if other.rank > 1 { other.height += 32 }
      fixesSize = input.shape.admits(other) && infos(other)?[resized]?.shape == found[resized]?.shape
    }
    // Changes of type and order alone are no preprocessing.
    guard range != nil || walk.resized != nil else { return }
    steps = walk.steps + (range.map { _ in [Self.text(scaling.scale, scaling.shift)] } ?? [])
  }

  /// Decides what the constants of input × scale + shift are made for.
  ///
  /// Means above 1, or a division as by 255, say 0 … 255; means such as ImageNet's, or a multiplication as by 255, say
  /// 0 … 1. Scales near 1 without a mean are layers that were trained.
  private mutating func decide(_ scale: [Double], _ shift: [Double], byNormalization isTrained: Bool) {
    guard scale.allSatisfy({ $0.isFinite && $0 != 0 }), shift.allSatisfy(\.isFinite) else { return }
    let mean = zip(scale, shift).map { -$1 / $0 }, size = scale.map(abs)
    if mean.allSatisfy({ $0 > 1 }) {
      range = 255
    } else if mean.allSatisfy({ $0 == 0 }) {
      if size.allSatisfy({ (0.003...0.05).contains($0) }) { range = 255 }
      if size.allSatisfy({ (100...300).contains($0) }) { range = 1 }
    } else if mean.allSatisfy({ (0.2...0.8).contains($0) }), !isTrained || size.allSatisfy({ $0 >= 1.5 }) {
      range = 1
    } else if mean.allSatisfy({ (0.05...0.95).contains($0) }), size.allSatisfy({ $0 >= 1.5 }) {
      range = 1
    }
    guard let range, mean.count == 3 else { return }
    // ImageNet's mean colour has the most red, then green; to three digits only in one order.
    let known = [0.485, 0.456, 0.406].map { $0 * Double(range) }
    func isClose(_ order: [Double]) -> Bool { zip(mean, order).allSatisfy { abs($0 - $1) <= 0.006 * Double(range) } }
    if isClose(known) { channels = .rgb } else if isClose(known.reversed()) { channels = .bgr }
  }

  private static func text(_ scale: [Double], _ shift: [Double]) -> String {
    func list(_ numbers: [Double]) -> String { numbers.map { brief($0) }.joined(separator: ",") }
    let isCentred = shift.contains { $0 != 0 }
    let isDivided = scale.contains { $0 != 1 }
    let parts = [
      isCentred ? "subtracts \(list(zip(scale, shift).map { -$1 / $0 }))" : nil,
      isDivided ? "divides by \(list(scale.map { 1 / $0 }))" : nil,
    ]
    return parts.compactMap { $0 }.joined(separator: " and ")
  }
}

/// Follows the contents of an input from operator to operator.
private struct Walk {
  private let graph: ComputeGraph
  private let nodes: Set<Int>
  private let infos: [ValueID: ValueInfo]
  private let dimensions: [ValueID: [Dimension]]
  private var value: ValueID
  /// The value is input × scale + shift, channel by channel in its own order if there is more than one number.
  private var scale = [1.0], shift = [0.0]
  private var isReversed = false
  /// The axis of the value that counts channels; nil if it is not known.
  private var channels: Int?
  private(set) var isScaled = false
  /// Whether a normalisation, whose constants are trained, is among what scales.
  private(set) var isNormalization = false
  /// The last result that was resized.
  private(set) var resized: ValueID?
  private(set) var steps: [String] = []

  init(_ input: ImageInput, of graph: ComputeGraph, nodes: [Int], infos: [ValueID: ValueInfo]) {
    (self.graph, value, self.nodes, self.infos) = (graph, input.value, Set(nodes), infos)
    dimensions = DimensionTracker(graph, images: [input.value: input.shape.roles]) { infos[$0] }.dimensions
    channels = input.shape.roles.firstIndex(of: .channels)
  }

  /// Scale and shift with the channels in the input's order.
  var inOrderOfInput: (scale: [Double], shift: [Double]) {
    isReversed ? (scale.reversed(), shift.reversed()) : (scale, shift)
  }

  /// Follows one operator; false at the first layer, or where the way divides.
  mutating func step() -> Bool {
    // What is known before the run, such as shapes, makes no use of the contents.
    let users = graph.nodes.indices.filter { index in
      graph.nodes[index].reads.contains(value) && !graph.nodes[index].results.allSatisfy { infos[$0]?.constant != nil }
    }
    guard users.count == 1, nodes.contains(users[0]), let result = graph.nodes[users[0]].results.first,
      let before = infos[value], let after = infos[result], let operation = graph.nodes[users[0]].operation
    else { return false }
    let node = graph.nodes[users[0]], inputs = NodeInputs(node.inputs.map { $0.flatMap { infos[$0] } })
    if let scaling = operation.scaling(inputs) {
      guard follow(scaling) else { return false }
      isScaled = true
      isNormalization = isNormalization || operation.role == .normalization
    } else if operation.role == .resampling {
      resized = result
      steps.append(
        "resizes to " + (dimensions[result] ?? []).filter(\.isSpatial).map { "\($0.extent)" }.joined(separator: "×"))
    } else if operation.role == .selection {
      guard reversesColours(node, operation.axes(inputs), before.shape, after.shape) else { return false }
      (scale, shift) = (scale.reversed(), shift.reversed())
      isReversed.toggle()
      steps.append("reverses the colours")
    } else if operation.role == .identity {
      channels = nil
    } else {
      guard case .labelled(let given, let kept) = operation.axes(inputs), given.count == 1, Set(given[0]) == Set(kept),
        kept.count == before.shape.rank
      else { return false }
      channels = channels.map { axis in kept.firstIndex(of: given[0][axis])! }
    }
    channels = dimensions[result]?.firstIndex { $0.role == .channels } ?? channels
    value = result
    return true
  }

  private mutating func follow(_ scaling: ConstantScaling) -> Bool {
    guard scaling.axis == nil || scaling.axis == channels else { return false }
    let count = max(scale.count, scaling.scale.count)
    guard [scale.count, scaling.scale.count].allSatisfy({ $0 == 1 || $0 == count }) else { return false }
    func number<Number: BinaryFloatingPoint>(_ list: [Number], _ index: Int) -> Double {
      Double(list[list.count == 1 ? 0 : index])
    }
    shift = (0..<count).map { number(shift, $0) * number(scaling.scale, $0) + number(scaling.shift, $0) }
    scale = (0..<count).map { number(scale, $0) * number(scaling.scale, $0) }
    return true
  }

  private func reversesColours(_ node: Node, _ axes: AxisMapping, _ before: Shape, _ after: Shape) -> Bool {
    guard before == after else { return false }
    if case .sliced(_, let steps) = axes { return steps.indices.allSatisfy { steps[$0] == ($0 == channels ? -1 : 1) } }
    return channels != nil
      && node.inputs.dropFirst().contains { $0.flatMap { infos[$0]?.constant }?.integers == [2, 1, 0] }
  }
}

extension ComputeGraph {
  /// The nodes between an input and the first layers that mix its elements, few of them.
  fileprivate func nodesBeforeLayers(from input: ValueID) -> [Int] {
    let layers: [OperatorRole] = [.convolution, .product, .attention, .softmax]
    var reached: Set<ValueID> = [input], found: [Int] = []
    for index in nodes.indices where nodes[index].reads.contains(where: reached.contains) {
      guard !layers.contains(nodes[index].role) else { continue }
      found.append(index)
      guard found.count < 48 else { break }
      reached.formUnion(nodes[index].results)
    }
    return found
  }
}
