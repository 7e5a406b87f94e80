import Graph

let einsumOperators: [OperatorEntry] = [
  OperatorEntry("Einsum", since: 12, inputs: 1...Int.max) { reader in
    Einsum(try Equation(reader.string("equation", default: "")))
  }
]

/// The equation of an Einsum as written.
struct Equation: Sendable {
  /// One tensor's axes.
  struct Term: Sendable {
    var before: [Character] = []
    /// The labels after an ellipsis; nil if there is none.
    var after: [Character]?

    init(_ text: Substring) throws {
      var rest = text
      while let character = rest.popFirst() {
        if character == "." {
          guard rest.hasPrefix(".."), after == nil else {
            throw GradCAMError(.badData, at: "attribute 'equation'", problem: "'\(text)' is not a valid term")
          }
          rest.removeFirst(2)
          after = []
        } else if character.isASCII, character.isLetter {
          if after == nil { before.append(character) } else { after!.append(character) }
        } else {
          throw GradCAMError(.badData, at: "attribute 'equation'", problem: "'\(text)' is not a valid term")
        }
      }
    }

    init(implied labels: [Character], hasEllipsis: Bool) {
      before = hasEllipsis ? [] : labels
      after = hasEllipsis ? labels : nil
    }

    var labels: [Character] { before + (after ?? []) }
  }

  let inputs: [Term]
  let output: Term

  /// Parses an equation.
  ///
  /// Throws `badData` if the text is not an equation.
  init(_ text: String) throws {
    let text = text.filter { $0 != " " }
    let arrow = text.firstRange(of: "->")
    inputs = try text[..<(arrow?.lowerBound ?? text.endIndex)]
      .split(separator: ",", omittingEmptySubsequences: false).map(Term.init)
    if let arrow {
      output = try Term(text[arrow.upperBound...])
    } else {
      let labels = inputs.flatMap(\.labels)
      let single = Set(labels).filter { label in labels.filter { $0 == label }.count == 1 }
      output = Term(
        implied: single.sorted { $0.asciiValue! < $1.asciiValue! },
        hasEllipsis: inputs.contains { $0.after != nil })
    }
    guard Set(output.labels).count == output.labels.count, Set(output.labels).isSubset(of: inputs.flatMap(\.labels))
    else { throw GradCAMError(.badData, at: "attribute 'equation'", problem: "'\(text)' is not a valid equation") }
  }
}

struct Einsum: DifferentiableOperator {
  let equation: Equation

  init(_ equation: Equation) { self.equation = equation }

  var role: OperatorRole { .product }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    wanted.count == 1 ? .linear : .multilinear
  }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let geometry = try? geometry(inputs) else { return .unknown }
    return .labelled(geometry.labels, result: geometry.resultLabels)
  }

  /// The equation applied to tensors: labels are numbers, those of the ellipsis first.
  private struct Geometry {
    /// The labels of the inputs' axes and of the result's.
    var labels: [[Int]] = [], resultLabels: [Int] = []
    var factors: [TensorContraction.Factor] = []
    var extents: [Int] = []
    var shape: Shape = []
    var result = TensorContraction.Factor([], labels: [])
  }

  private func geometry(_ inputs: NodeInputs) throws -> Geometry {
    let shapes = try inputs.all().map(\.shape)
    guard shapes.count == equation.inputs.count else {
      throw GradCAMError(
        .badData, problem: "the equation has \(equation.inputs.count) terms for \(shapes.count) inputs")
    }
    let hidden = try zip(shapes, equation.inputs).map { shape, term in
      let count = shape.rank - term.labels.count
      guard count == 0 || (count > 0 && term.after != nil) else {
        throw GradCAMError(.badData, problem: "a tensor of shape \(shape) does not fit a term of the equation")
      }
      return count
    }
    let ellipsis = hidden.max() ?? 0
    var numbers: [Character: Int] = [:]
    var geometry = Geometry(extents: [Int](repeating: 1, count: ellipsis))
    for label in equation.inputs.flatMap(\.labels) where numbers[label] == nil {
      numbers[label] = geometry.extents.count
      geometry.extents.append(1)
    }
    func labels(_ term: Equation.Term, hidden: Int) -> [Int] {
      term.before.map { numbers[$0]! } + Array(ellipsis - hidden..<ellipsis) + (term.after ?? []).map { numbers[$0]! }
    }
    let named = zip(equation.inputs, hidden).map { labels($0, hidden: $1) }
    geometry.labels = named
    for (shape, labels) in zip(shapes, named) {
      for (extent, label) in zip(shape.dimensions, labels) where extent != 1 {
        guard geometry.extents[label] == 1 || geometry.extents[label] == extent else {
          throw GradCAMError(.badData, problem: "shapes \(shapes) do not fit the equation")
        }
        geometry.extents[label] = extent
      }
    }
    // An axis of 1 under a longer label is repeated, which dropping its label achieves.
    geometry.factors = zip(shapes, named).map { shape, labels in
      let axes = labels.indices.filter { shape[$0] == geometry.extents[labels[$0]] }
      return TensorContraction.Factor(Shape(axes.map { shape[$0] }), labels: axes.map { labels[$0] })
    }
    let output = labels(equation.output, hidden: equation.output.after == nil ? 0 : ellipsis)
    geometry.shape = try Shape(checked: output.map { geometry.extents[$0] })
    geometry.result = TensorContraction.Factor(geometry.shape, labels: output)
    geometry.resultLabels = output
    return geometry
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let type = try inputs.required(0).elementType
    guard try inputs.all().allSatisfy({ $0.elementType.isFloatingPoint }) else {
      throw GradCAMError(.unsupported, problem: "sums of products are computed for floating-point numbers only")
    }
    return [ValueInfo(type, try geometry(inputs).shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let geometry = try geometry(inputs)
    let contraction = TensorContraction(geometry.factors, to: geometry.result, extents: geometry.extents)
    return Kernel(
      "einsum", scratchByteCount: contraction.byteCount, operationCount: contraction.operationCount
    ) { run in
      contraction.run(
        run.inputs.indices.map { run.input($0) }, into: run.output(0), scratch: run.scratchFloats, pool: run.pool)
    }
  }

  // The gradient of a factor is the product of the result's gradient with all other factors.
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let geometry = try geometry(inputs)
    let places = Array(geometry.factors.indices)
    let contractions = wanted.sorted().map { input in
      let others = places.filter { $0 != input }
      return (
        input: input, others: others,
        contraction: TensorContraction(
          [geometry.result] + others.map { geometry.factors[$0] }, to: geometry.factors[input],
          extents: geometry.extents)
      )
    }
    return GradientRule(
      "einsum", readsInputs: Set(contractions.flatMap(\.others)),
      scratchByteCount: contractions.map(\.contraction.byteCount).max() ?? 0,
      operationCount: contractions.reduce(0) { $0 + $1.contraction.operationCount }
    ) { run in
      for (input, others, contraction) in contractions {
        contraction.run(
          [run.outputGradient] + others.map { run.input($0) }, into: run.inputGradient(input),
          scratch: run.scratchFloats, pool: run.pool)
      }
    }
  }
}
