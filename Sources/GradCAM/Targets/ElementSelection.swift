import Graph

/// Some elements of one of a model's values, such as `out[0,5,:,2:4]`, indexed as in NumPy; and the number computed
/// from them: their sum, or the result of a function as in `entropy(out[0])`.
public struct ElementSelection: Sendable {
  /// The value.
  public let value: ValueID
  private let text, name: String
  private let function: any TargetFunction
  /// Whether the number is the sum by default.
  private let isPlain: Bool
  private let indices: [Index]

  private enum Index: Sendable {
    case one(Int)
    case range(Int?, Int?)

    /// Reads `5`, `-1`, `:`, `2:`, `:4` or `2:4`; nil for anything else.
    init?(_ text: Substring) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        .map { part in String(part.filter { $0 != " " }) }
      let numbers = parts.map { Int($0) }
      guard zip(parts, numbers).allSatisfy({ $0.isEmpty || $1 != nil }) else { return nil }
      switch (parts.count, numbers[0]) {
      case (1, let number?): self = .one(number)
      case (2, let start): self = .range(start, numbers[1])
      default: return nil
      }
    }
  }

  /// Reads a value's name, alone for all of its elements or with indices in brackets.
  ///
  /// Or a target function of the model's registry, with these in parentheses, followed by an argument. Empty
  /// parentheses mean the scores.
  ///
  /// Throws `usage` if the model computes no such value, there is no such function, or the indices cannot be read.
  public init(_ text: String, in model: Model) throws {
    self.text = text
    func error(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: "\(.target, text)", problem: "\(problem)", advice: "\(advice)")
    }
    let call = model.computedValue(named: text) == nil ? FunctionCall(text) : nil
    isPlain = call == nil
    if let call {
      guard let found = model.registry.targets.first(where: { $0.name == call.name }) else {
        throw error(
          "there is no target '\(call.name)'",
          "choose from \(model.registry.targets.map(\.name).joined(separator: ", ")); plugins can add others")
      }
      function = try located("\(.target, text)") { try found.make(call.argument) }
    } else {
      function = ElementSum()
    }
    let text = call.map { $0.elements.isEmpty ? model.graph.values[model.head.logits].name : $0.elements } ?? text
    if let whole = model.computedValue(named: text) {
      (value, name, indices) = (whole, text, [])
      return
    }
    let open = text.hasSuffix("]") ? text.lastIndex(of: "[") : nil
    let name = String(text[..<(open ?? text.endIndex)])
    guard let value = model.computedValue(named: name) else {
      let near = nearest(to: name, among: Set(model.graph.producers.keys.map { model.graph.values[$0].name }), count: 4)
      if call == nil, model.registry.targets.contains(where: { $0.name == name }) {
        throw error(
          "the model computes no value '\(name)', but there is a target of this name",
          "write '\(name)()' for the scores, or '\(name)(OUTPUT)'")
      }
      throw error(
        "the model computes no value '\(name)'",
        "its outputs are \(model.declaredOutputs)"
          + (near.isEmpty ? "" : "; similar names are \(near.joined(separator: ", "))"))
    }
    let inside = open.map { text[text.index(after: $0)...].dropLast() }
    (self.value, self.name) = (value, name)
    indices = try (inside?.split(separator: ",", omittingEmptySubsequences: false) ?? []).map { part in
      guard let index = Index(part) else {
        throw error("'\(part)' is not an index", "write numbers and ranges as in \(name)[0,5,:,2:4]; -1 is the last")
      }
      return index
    }
  }

  /// The position that is picked on the first axis, of an extent; nil if it is not one alone.
  func firstIndex(of extent: Int) -> Int? {
    guard case .one(let index)? = indices.first, -extent..<extent ~= index else { return nil }
    return index < 0 ? index + extent : index
  }

  /// The number made of the elements.
  ///
  /// - Parameter shape: the value's, for all images of a run.
  ///
  /// Throws `usage` naming the shape if the indices do not fit it or pick nothing.
  public func target(in shape: Shape) throws -> any Target {
    func error(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: "\(.target, text)", problem: "\(problem)", advice: "\(advice)")
    }
    guard indices.count <= shape.rank else {
      throw error("has \(indices.count) indices, but '\(name)' has shape \(shape)", "give up to \(shape.rank)")
    }
    var positions = [0], pickedShape: Shape = []
    for (axis, (extent, stride)) in zip(shape.dimensions, shape.strides).enumerated() {
      let picked: Range<Int>
      switch axis < indices.count ? indices[axis] : .range(nil, nil) {
      case .one(let index):
        guard -extent..<extent ~= index else {
          throw error(
            "index \(index) is outside axis \(axis) of '\(name)', whose shape is \(shape)",
            "use 0 to \(extent - 1), or -1 for the last")
        }
        let position = index < 0 ? index + extent : index
        picked = position..<position + 1
      case .range(let start, let end):
        func bound(_ index: Int) -> Int { min(max(index < 0 ? index + extent : index, 0), extent) }
        let lower = start.map(bound) ?? 0
        picked = lower..<max(lower, end.map(bound) ?? extent)
        pickedShape.dimensions.append(picked.count)
      }
      positions = positions.flatMap { position in picked.map { position + $0 * stride } }
    }
    guard !positions.isEmpty else {
      throw error("picks no element of '\(name)', whose shape is \(shape)", "give ranges that are not empty")
    }
    return ElementTarget(
      positions: positions, shape: pickedShape, function: function, name: text,
      description: isPlain && positions.count > 1 ? "sum of \(text)" : text)
  }
}

/// A target function, as a user writes it: a name, and in parentheses elements and, after a comma, an argument.
private struct FunctionCall {
  let name, elements, argument: String

  /// Nil for a text that has another form.
  init?(_ text: String) {
    guard text.hasSuffix(")"), let open = text.firstIndex(of: "(") else { return nil }
    name = String(text[..<open])
    guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || "_-.".contains($0) }) else { return nil }
    let inside = text[text.index(after: open)...].dropLast()
    var depth = 0
    let comma = inside.indices.first { index in
      depth += inside[index] == "[" ? 1 : inside[index] == "]" ? -1 : 0
      return depth == 0 && inside[index] == ","
    }
    func trimmed(_ part: Substring) -> String { String(part.drop { $0 == " " }) }
    elements = String(trimmed(inside[..<(comma ?? inside.endIndex)]).reversed().drop { $0 == " " }.reversed())
    argument = comma.map { trimmed(inside[inside.index(after: $0)...]) } ?? ""
  }
}

/// A number made of some elements of a value.
private struct ElementTarget: Target {
  /// In row-major order.
  let positions: [Int]
  /// The shape of what is picked.
  let shape: Shape
  let function: any TargetFunction
  let name, description: String

  func score(_ contents: [Float]) throws -> Float { try function.score(positions.map { contents[$0] }, shape: shape) }

  func gradient(_ contents: [Float]) throws -> [Float] {
    var gradient = [Float](repeating: 0, count: contents.count)
    let picked = try function.gradient(positions.map { contents[$0] }, shape: shape)
    for (position, slope) in zip(positions, picked) { gradient[position] = slope }
    return gradient
  }
}

extension Model {
  /// The value with a name that some node computes.
  fileprivate func computedValue(named name: String) -> ValueID? {
    graph.producers.keys.filter { graph.values[$0].name == name }.min()
  }
}
