import Graph

/// Some elements of one of a model's values, as `out[0,5,:,2:4]` names them: what NumPy's indices pick.
public struct ElementSelection: Sendable {
  /// The value.
  public let value: ValueID
  private let text, name: String
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
  /// Throws `usage` where no value that the model computes has the name, or where the indices cannot be read.
  public init(_ text: String, in model: Model) throws {
    self.text = text
    func error(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: "--target \(text)", problem: problem, advice: advice)
    }
    if let whole = model.computedValue(named: text) {
      (value, name, indices) = (whole, text, [])
      return
    }
    let open = text.hasSuffix("]") ? text.lastIndex(of: "[") : nil
    let name = String(text[..<(open ?? text.endIndex)])
    guard let value = model.computedValue(named: name) else {
      let near = nearest(to: name, among: model.computedNames, count: 4)
      throw error(
        "the model computes no value '\(name)'",
        "its outputs are \(model.declaredOutputs)"
          + (near.isEmpty ? "" : "; names near it are \(near.joined(separator: ", "))"))
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

  /// The sum of the elements.
  ///
  /// - Parameter shape: the value's, for one image.
  ///
  /// Throws `usage` naming the shape where the indices do not fit it or pick nothing.
  public func sum(in shape: Shape) throws -> any Target {
    func error(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: "--target \(text)", problem: problem, advice: advice)
    }
    guard indices.count <= shape.rank else {
      throw error("has \(indices.count) indices, but '\(name)' has shape \(shape)", "give up to \(shape.rank)")
    }
    var positions = [0]
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
      }
      positions = positions.flatMap { position in picked.map { position + $0 * stride } }
    }
    guard !positions.isEmpty else {
      throw error("picks no element of '\(name)', whose shape is \(shape)", "give ranges that are not empty")
    }
    return ElementSum(positions: positions, name: text, description: positions.count > 1 ? "sum of \(text)" : text)
  }
}

/// The sum of some elements of a value.
private struct ElementSum: Target {
  /// In row-major order.
  let positions: [Int]
  let name, description: String

  func score(_ contents: [Float]) -> Float { Float(positions.reduce(0.0) { $0 + Double(contents[$1]) }) }

  func gradient(_ contents: [Float]) -> [Float] {
    var gradient = [Float](repeating: 0, count: contents.count)
    for position in positions { gradient[position] = 1 }
    return gradient
  }
}

extension Model {
  /// The value of a name that some node computes.
  fileprivate func computedValue(named name: String) -> ValueID? {
    graph.producers.keys.filter { graph.values[$0].name == name }.min()
  }

  fileprivate var computedNames: Set<String> { Set(graph.producers.keys.map { graph.values[$0].name }) }
}
