import Graph

let viewOperators: [OperatorEntry] = [
  OperatorEntry("Identity", inputs: 1...1) { _ in Identity() },
  OperatorEntry("Dropout", inputs: 1...3, make: Dropout.make),
  OperatorEntry("Reshape", inputs: 1...2, make: Reshape.make),
  OperatorEntry("Flatten", inputs: 1...1) { reader in Flatten(axis: try reader.int("axis", default: 1)) },
  OperatorEntry("Squeeze", inputs: 1...2) { reader in Squeeze(axes: try AxisList.make(&reader)) },
  OperatorEntry("Unsqueeze", inputs: 1...2) { reader in Unsqueeze(axes: try AxisList.make(&reader)) },
]

/// An operator whose first output holds the elements of the first input in another shape.
protocol ViewOperator: DifferentiableOperator {}

extension ViewOperator {
  var role: OperatorRole { .identity }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .reshaped }
  var integerGradients: IntegerGradients { .passed }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .moved }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel { .view() }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule { .passing(to: [0]) }
}

/// Dropout that drops nothing: at inference, or with a ratio of 0.
struct Dropout: ViewOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .elementwise }
  let hasMask, hasBoolMask: Bool

  // Versions 1 and 6 train unless is_test says otherwise; inference is assumed regardless.
  static func make(_ reader: inout AttributeReader) throws -> Self {
    reader.ignore("ratio", "seed", "is_test", "consumed_inputs")
    return Dropout(hasMask: reader.node.outputs.count > 1, hasBoolMask: reader.opset >= 10)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    if let training = try inputs.integer(2), training != 0, try inputs.contents(1)?.floats != [0] {
      throw GradCAMError(
        .unsupported, problem: "the model was exported in training mode, and its output is random",
        advice: "export it in evaluation mode")
    }
    guard hasMask else { return [x] }
    _ = try Shape(constant: x.shape.dimensions)
    let mask =
      hasBoolMask
      ? Tensor([Bool](repeating: true, count: x.shape.count), shape: x.shape)
      : Tensor([Float](repeating: 1, count: x.shape.count), shape: x.shape)
    return [x, ValueInfo(mask)]
  }
}

struct Reshape: ViewOperator {
  /// The shape if it is an attribute.
  let target: [Int]?
  let allowsZero: Bool

  static func make(_ reader: inout AttributeReader) throws -> Self {
    reader.ignore("consumed_inputs")
    return Reshape(target: try reader.ints("shape"), allowsZero: try reader.flag("allowzero"))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    var extents = try target ?? inputs.requiredIntegers(1)
    if !allowsZero {
      for (axis, extent) in extents.enumerated() where extent == 0 {
        guard axis < x.shape.rank else {
          throw GradCAMError(
            .badData, problem: "shape \(extents) copies extent \(axis), which \(x.shape) does not have")
        }
        extents[axis] = x.shape[axis]
      }
    }
    if let free = extents.firstIndex(of: -1) {
      extents[free] = 1
      let rest = try Shape(checked: extents).count
      extents[free] = rest == 0 ? 0 : x.shape.count / rest
    }
    let shape = try Shape(checked: extents)
    guard shape.count == x.shape.count else {
      throw GradCAMError(.badData, problem: "a tensor of shape \(x.shape) does not fit the shape \(shape)")
    }
    return [ValueInfo(x.elementType, shape)]
  }
}

struct Flatten: ViewOperator {
  let axis: Int

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let axis = axis == x.shape.rank ? axis : try x.shape.axis(axis)
    return [ValueInfo(x.elementType, [x.shape.count(0..<axis), x.shape.count(axis..<x.shape.rank)])]
  }
}

/// Axes that are an attribute up to opset 12 and an input from 13 on.
struct AxisList {
  private let attribute: [Int]?

  static func make(_ reader: inout AttributeReader) throws -> AxisList { AxisList(attribute: try reader.ints("axes")) }

  /// The axes as written in the file, nil if they are omitted.
  func indices(_ inputs: NodeInputs) throws -> [Int]? { try attribute ?? inputs.integers(1) }
}

struct Squeeze: ViewOperator {
  let axes: AxisList

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let dropped = try axes.indices(inputs).map(x.shape.axes) ?? x.shape.dimensions.indices.filter { x.shape[$0] == 1 }
    for axis in dropped where x.shape[axis] != 1 {
      throw GradCAMError(.badData, problem: "axis \(axis) of a tensor of shape \(x.shape) is not 1")
    }
    let kept = x.shape.dimensions.indices.filter { !dropped.contains($0) }
    return [ValueInfo(x.elementType, Shape(kept.map { x.shape[$0] }))]
  }
}

struct Unsqueeze: ViewOperator {
  let axes: AxisList

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard let indices = try axes.indices(inputs) else { throw GradCAMError(.badData, problem: "the axes are missing") }
    var extents = [Int](repeating: 0, count: x.shape.rank + indices.count)
    for axis in try Shape(extents).axes(indices) { extents[axis] = 1 }
    var rest = x.shape.dimensions.makeIterator()
    for axis in extents.indices where extents[axis] == 0 { extents[axis] = rest.next()! }
    return [ValueInfo(x.elementType, Shape(extents))]
  }
}
