import CKernels
import Graph

let unaryOperators: [OperatorEntry] =
  [
    unary("Relu", relu_forward, .ofOutput(relu_gradient), integer: { max($0, 0) }, function: .relu),
    unary("LeakyRelu", leaky_relu_forward, .ofInput(leaky_relu_gradient), parameters: [("alpha", 0.01)]),
    OperatorEntry("Elu", inputs: 1...1) { reader in
      reader.ignore("consumed_inputs")
      return Unary("elu", elu_forward, .ofInput(elu_gradient), [try reader.float("alpha", default: 1), 1, 1])
    },
    OperatorEntry("Selu", inputs: 1...1) { reader in
      reader.ignore("consumed_inputs")
      let alpha = try reader.float("alpha", default: reader.opset < 6 ? 1.6732 : 1.67326319)
      let gamma = try reader.float("gamma", default: reader.opset < 6 ? 1.0507 : 1.05070102)
      return Unary("elu", elu_forward, .ofInput(elu_gradient), [alpha * gamma, 1, gamma])
    },
    OperatorEntry("Celu", since: 12, inputs: 1...1) { reader in
      let alpha = try reader.float("alpha", default: 1)
      guard alpha > 0 else { throw GradCAMError(.badData, at: "attribute 'alpha'", problem: "is not above 0") }
      return Unary("elu", elu_forward, .ofInput(elu_gradient), [alpha, 1 / alpha, 1])
    },
    unary(
      "ThresholdedRelu", since: 10, thresholded_relu_forward, .ofInput(thresholded_relu_gradient),
      parameters: [("alpha", 1)]),
    unary("Sigmoid", sigmoid_forward, .ofOutput(sigmoid_gradient), function: .sigmoid),
    unary(
      "HardSigmoid", hard_sigmoid_forward, .ofOutput(hard_sigmoid_gradient),
      parameters: [("alpha", 0.2), ("beta", 0.5)], function: .hardSigmoid),
    OperatorEntry("HardSwish", since: 14, inputs: 1...1) { _ in Unary.hardSwish },
    unary("Softplus", softplus_forward, .ofInput(softplus_gradient)),
    unary("Softsign", softsign_forward, .ofInput(softsign_gradient)),
    unary("Tanh", tanh_forward, .ofOutput(tanh_gradient), function: .tanh),
    unary("Exp", exp_forward, .ofOutput(exp_gradient)),
    unary("Log", log_forward, .ofInput(log_gradient)),
    unary("Sqrt", sqrt_forward, .ofOutput(sqrt_gradient)),
    unary("Reciprocal", reciprocal_forward, .ofOutput(reciprocal_gradient)),
    unary("Abs", abs_forward, .ofInput(abs_gradient), integer: { $0 < 0 ? 0 &- $0 : $0 }),
    unary("Neg", neg_forward, .ofInput(neg_gradient), integer: { 0 &- $0 }),
    unary("Sign", since: 9, sign_forward, .ofInput(zero_gradient), integer: { $0.signum() }),
    unary("Floor", floor_forward, .ofInput(zero_gradient)),
    unary("Ceil", ceil_forward, .ofInput(zero_gradient)),
    unary("Round", since: 11, round_forward, .ofInput(zero_gradient)),
    unary("Erf", since: 9, erf_forward, .ofInput(erf_gradient), function: .erf),
    OperatorEntry("Gelu", since: 20, inputs: 1...1) { reader in
      switch try reader.choice("approximate", default: GeluApproximation.none) {
      case .none: Unary.gelu
      case .tanh: Unary.tanhGelu
      }
    },
    OperatorEntry("Gelu", domain: microsoft, inputs: 1...1) { _ in Unary.gelu },
    OperatorEntry("FastGelu", domain: microsoft, inputs: 1...2, isDifferentiable: true) { reader in
      guard reader.node.inputs.compactMap({ $0 }).count > 1 else { return Unary.tanhGelu }
      // With a bias, which is added first.
      return try FixedComposite(&reader) { body in
        [body.main("FastGelu", domain: microsoft, [body.add("Add", [try body.input(0), try body.input(1)])])]
      }
    },
    unary("Mish", since: 18, mish_forward, .ofInput(mish_gradient)),
    OperatorEntry("Swish", since: 24, inputs: 1...1) { reader in
      Unary.swish(slope: try reader.float("alpha", default: 1))
    },
    OperatorEntry("QuickGelu", domain: microsoft, inputs: 1...1) { reader in
      Unary.swish(slope: try reader.float("alpha", default: 1.702))
    },
    unary("Sin", since: 7, sin_forward, .ofInput(sin_gradient)),
    unary("Cos", since: 7, cos_forward, .ofInput(cos_gradient)),
    unary("Tan", since: 7, tan_forward, .ofOutput(tan_gradient)),
    unary("Asin", since: 7, asin_forward, .ofInput(asin_gradient)),
    unary("Acos", since: 7, acos_forward, .ofInput(acos_gradient)),
    unary("Atan", since: 7, atan_forward, .ofInput(atan_gradient)),
    unary("Sinh", since: 9, sinh_forward, .ofInput(sinh_gradient)),
    unary("Cosh", since: 9, cosh_forward, .ofInput(cosh_gradient)),
    unary("Asinh", since: 9, asinh_forward, .ofInput(asinh_gradient)),
    unary("Acosh", since: 9, acosh_forward, .ofInput(acosh_gradient)),
    unary("Atanh", since: 9, atanh_forward, .ofInput(atanh_gradient)),
    unary("Shrink", since: 9, shrink_forward, .ofInput(shrink_gradient), parameters: [("lambd", 0.5), ("bias", 0)]),
    unary("Affine", affine_forward, .ofInput(affine_gradient), parameters: [("alpha", 1), ("beta", 0)]),
    unary(
      "ParametricSoftplus", parametric_softplus_forward, .ofInput(parametric_softplus_gradient),
      parameters: [("alpha", 1), ("beta", 1)]),
    unary("ScaledTanh", scaled_tanh_forward, .ofInput(scaled_tanh_gradient), parameters: [("alpha", 1), ("beta", 1)]),
    OperatorEntry("Clip", inputs: 1...1) { reader in
      reader.ignore("consumed_inputs")
      return Clip(bounds: (try reader.float("min") ?? -.infinity, try reader.float("max") ?? .infinity))
    },
    OperatorEntry("Clip", since: 11, inputs: 1...3) { _ in Clip(bounds: nil) },
    OperatorEntry("IsNaN", since: 9, inputs: 1...1) { _ in ElementTest { (x: Float) in x.isNaN } },
    OperatorEntry("IsInf", since: 10, inputs: 1...1) { reader in
      let negative = try reader.flag("detect_negative", default: true)
      let positive = try reader.flag("detect_positive", default: true)
      return ElementTest { (x: Float) in x == .infinity && positive || x == -.infinity && negative }
    },
    OperatorEntry("Not", inputs: 1...1) { _ in ElementTest { (x: UInt8) in x == 0 } },
    OperatorEntry("BitwiseNot", since: 18, inputs: 1...1) { _ in BitwiseNot() },
  ]

private enum GeluApproximation: String, CaseIterable { case none, tanh }

typealias UnaryLoop = @Sendable @convention(c) (FloatInput?, FloatOutput?, Int, unary_parameters) -> Void
typealias UnaryGradientLoop =
  @Sendable @convention(c) (FloatInput?, FloatInput?, FloatOutput?, Int, unary_parameters) -> Void

/// The entry of a function of one tensor and up to three attributes, given with their defaults.
private func unary(
  _ type: String, since: Int = 1, _ forward: @escaping UnaryLoop, _ derivative: Unary.Derivative,
  parameters: [(name: String, default: Float)] = [], integer: (@Sendable (Int64) -> Int64)? = nil,
  function: Unary.Function? = nil
) -> OperatorEntry {
  OperatorEntry(type, since: since, inputs: 1...1) { reader in
    reader.ignore("consumed_inputs")
    let values = try parameters.map { try reader.float($0.name, default: $0.default) }
    return Unary(type.lowercased(), forward, derivative, values, integer: integer, function: function)
  }
}

/// A function applied to every element.
struct Unary: DifferentiableOperator {
  /// The functions that rewrites look for.
  enum Function: Sendable { case relu, sigmoid, hardSigmoid, tanh, erf, gelu, tanhGelu, swish, hardSwish }

  /// The loop that multiplies by the derivative as a function of the input or of the output.
  enum Derivative: Sendable {
    case ofInput(UnaryGradientLoop)
    case ofOutput(UnaryGradientLoop)
  }

  /// The function; nil for any other.
  let function: Function?
  private let name: String
  let forward: UnaryLoop
  private let derivative: Derivative
  let parameters: unary_parameters
  private let integer: (@Sendable (Int64) -> Int64)?

  init(
    _ name: String, _ forward: @escaping UnaryLoop, _ derivative: Derivative, _ parameters: [Float] = [],
    integer: (@Sendable (Int64) -> Int64)? = nil, function: Function? = nil
  ) {
    self.function = function
    self.name = name
    self.forward = forward
    self.derivative = derivative
    self.integer = integer
    let padded = parameters + [0, 0, 0]
    self.parameters = unary_parameters(alpha: padded[0], beta: padded[1], gamma: padded[2])
  }

  static let gelu = Unary("gelu", gelu_forward, .ofInput(gelu_gradient), function: .gelu)
  static let tanhGelu = Unary("gelu tanh", gelu_tanh_forward, .ofInput(gelu_tanh_gradient), function: .tanhGelu)
  static let hardSwish = Unary("hardswish", hard_swish_forward, .ofInput(hard_swish_gradient), function: .hardSwish)

  /// x · sigmoid(slope · x).
  static func swish(slope: Float) -> Unary {
    Unary("swish", swish_forward, .ofInput(swish_gradient), [slope], function: .swish)
  }

  var role: OperatorRole { function == .sigmoid ? .sigmoid : .other }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard x.elementType.isFloatingPoint || x.elementType.storage == .int64 && integer != nil else {
      throw unsupportedType(x.elementType)
    }
    return [ValueInfo(x.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count
    if let integer, outputs[0].elementType.storage == .int64 {
      let type = outputs[0].elementType
      return Kernel(name, placement: .inPlace([0])) { run in
        let x = run.input(0, as: Int64.self), y = run.output(0, as: Int64.self)
        for index in 0..<count { y[index] = type.wrap(integer(x[index])) }
      }
    }
    return Kernel(name, placement: .inPlace([0])) { [forward, parameters] run in
      let x = run.input(0), y = run.output(0)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        forward(x + range.lowerBound, y + range.lowerBound, range.count, parameters)
      }
    }
  }

  func rectifies(_ inputs: NodeInputs) -> Bool { function == .relu }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .elementwise }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let count = outputs[0].shape.count
    let (loop, readsOutput) =
      switch derivative {
      case .ofInput(let loop): (loop, false)
      case .ofOutput(let loop): (loop, true)
      }
    return GradientRule(
      name, readsInputs: readsOutput ? [] : [0], readsOutputs: readsOutput ? [0] : [], inPlace: true
    ) { [parameters] run in
      let v = readsOutput ? run.output(0) : run.input(0), dy = run.outputGradient, dx = run.inputGradient(0)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        let start = range.lowerBound
        loop(v + start, dy + start, dx + start, range.count, parameters)
      }
    }
  }
}

/// Clip: the bounds are attributes, or inputs 1 and 2.
struct Clip: DifferentiableOperator {
  let bounds: (lower: Float, upper: Float)?

  /// The equivalent clamp; nil if a bound is not known.
  ///
  /// - Parameter constant: the contents of an input; nil if they are not known.
  func clamp(_ inputs: [ValueID?], constant: (ValueID) -> Tensor?) -> Clamp? {
    range { index in index < inputs.count ? inputs[index].map { constant($0) } : nil }
      .map { Clamp(low: $0.low, high: $0.high) }
  }

  func limits(_ inputs: NodeInputs) -> ConstantLimits? {
    guard let (low, high) = range({ inputs.has($0) ? .some(inputs[$0]?.constant) : nil }), low <= high else {
      return nil
    }
    return ConstantLimits(of: 0, low...high)
  }

  /// The bounds; nil if one is not known.
  ///
  /// - Parameter contents: those of an input, nil in turn if they are not known; nil if it is left out.
  private func range(_ contents: (Int) -> Tensor??) -> (low: Float, high: Float)? {
    if let bounds { return (bounds.lower, bounds.upper) }
    func bound(_ index: Int, default value: Float) -> Float? {
      guard let given = contents(index) else { return value }
      return given.flatMap { $0.shape.count == 1 ? $0.floats[0] : nil }
    }
    guard let low = bound(1, default: -.infinity), let high = bound(2, default: .infinity) else { return nil }
    return (low, high)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard x.elementType.isNumeric else { throw unsupportedType(x.elementType) }
    for bound in [inputs[1], inputs[2]].compactMap({ $0 }) {
      guard bounds == nil, bound.shape.count == 1, bound.elementType.storage == x.elementType.storage else {
        throw GradCAMError(.badData, problem: "a bound is not a single number of the input's type")
      }
    }
    return [ValueInfo(x.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count
    if outputs[0].elementType.storage == .int64 {
      return Kernel("clip", placement: .inPlace([0])) { run in
        let x = run.input(0, as: Int64.self), y = run.output(0, as: Int64.self)
        let lower = scalar(run.inputs, 1) ?? Int64.min, upper = scalar(run.inputs, 2) ?? Int64.max
        for index in 0..<count { y[index] = min(max(x[index], lower), upper) }
      }
    }
    return Kernel("clip", placement: .inPlace([0])) { run in
      let x = run.input(0), y = run.output(0), parameters = parameters(run.inputs)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        clip_forward(x + range.lowerBound, y + range.lowerBound, range.count, parameters)
      }
    }
  }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    wanted == [0] ? .elementwise : nil
  }

  /// Without an upper bound and with a lower bound of 0, it is equivalent to Relu.
  func rectifies(_ inputs: NodeInputs) -> Bool {
    if let bounds { return bounds.lower == 0 && bounds.upper == .infinity }
    return inputs[2] == nil
      && inputs[1]?.constant.map { $0.elementType.storage == .float32 && $0.floats == [0] } == true
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let count = outputs[0].shape.count
    return GradientRule("clip", readsInputs: [0, 1, 2], inPlace: wanted == [0]) { run in
      let x = run.input(0), dy = run.outputGradient, parameters = parameters(run.inputs)
      // A bound has the gradient of the elements that it replaced; a lower one above the upper replaces none.
      for bound in wanted.subtracting([0]) {
        var sum = 0.0
        for index in 0..<count {
          let isAbove = x[index] > parameters.beta || parameters.alpha > parameters.beta
          let isReplaced = bound == 1 ? !isAbove && x[index] < parameters.alpha : isAbove
          if isReplaced { sum += Double(dy[index]) }
        }
        run.inputGradient(bound)[0] = Float(sum)
      }
      guard wanted.contains(0) else { return }
      let dx = run.inputGradient(0)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        let start = range.lowerBound
        clip_gradient(x + start, dy + start, dx + start, range.count, parameters)
      }
    }
  }

  private func parameters(_ inputs: [UnsafeRawPointer?]) -> unary_parameters {
    let lower = bounds?.lower ?? scalar(inputs, 1) ?? -.infinity
    let upper = bounds?.upper ?? scalar(inputs, 2) ?? .infinity
    return unary_parameters(alpha: lower, beta: upper, gamma: 0)
  }

  private func scalar<Element: BitwiseCopyable>(_ inputs: [UnsafeRawPointer?], _ index: Int) -> Element? {
    index < inputs.count ? inputs[index]?.loadUnaligned(as: Element.self) : nil
  }
}

/// A test of every element.
struct ElementTest<Element>: Operator {
  let test: @Sendable (Element) -> Bool

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard x.elementType.storage == (Element.self == Float.self ? .float32 : .bool) else {
      throw unsupportedType(x.elementType)
    }
    return [ValueInfo(.bool, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count
    return Kernel("test") { run in
      let x = run.input(0, as: Element.self), y = run.output(0, as: UInt8.self)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        for index in range { y[index] = test(x[index]) ? 1 : 0 }
      }
    }
  }
}

struct BitwiseNot: Operator {
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard x.elementType.storage == .int64 else { throw unsupportedType(x.elementType) }
    return [ValueInfo(x.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count, type = outputs[0].elementType
    return Kernel("not", placement: .inPlace([0])) { run in
      let x = run.input(0, as: Int64.self), y = run.output(0, as: Int64.self)
      for index in 0..<count { y[index] = type.wrap(~x[index]) }
    }
  }
}

/// The error for elements of a type that an operator does not support.
func unsupportedType(_ type: ElementType) -> GradCAMError {
  GradCAMError(.unsupported, problem: "elements of type \(type.rawValue) are not supported")
}
