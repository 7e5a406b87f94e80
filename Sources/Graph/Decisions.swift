/// What a graph's extents depend on, beside the extents of its inputs: contents that only a run tells, such as the boxes
/// that NonMaxSuppression selects.
///
/// With them, a graph is planned like one whose extents are known beforehand. Gradients pass through the nodes concerned
/// as through any others: what decides about extents is an index, a condition or an extent, which carries none.
///
/// Two are equal if they are about the same nodes, with the same contents.
public struct Decisions: Sendable, Equatable {
  /// The decisions about each node of a graph, and about the parts that it is expanded into, in the order in which they
  /// are planned.
  private var byNode: [Int: [Decision]] = [:]

  /// No decisions.
  public init() {}

  /// Whether nothing was decided.
  public var isEmpty: Bool { byNode.isEmpty }

  /// The same, with what was found about nodes for their copies, too.
  public func copied(to copies: NetworkCopy) -> Decisions {
    var copied = self
    for (node, made) in byNode { if let copy = copies.nodes[node] { copied.byNode[copy] = made } }
    return copied
  }

  /// A decision about a node; nil if there are not as many.
  fileprivate subscript(_ node: Int, _ place: Int) -> Decision? {
    guard let made = byNode[node], made.indices.contains(place) else { return nil }
    return made[place]
  }

  /// Adds a decision about a node, in place of its last ones.
  fileprivate mutating func add(_ decision: Decision, about node: Int, inPlaceOf count: Int = 0) {
    byNode[node, default: []].removeLast(count)
    byNode[node]!.append(decision)
  }
}

/// What was found about a node, or about a part of one.
enum Decision: Sendable, Equatable {
  /// The contents of some inputs, by position.
  case inputs([Int: Tensor])
  /// The contents of all outputs.
  case outputs([Tensor?])

  static func == (first: Decision, second: Decision) -> Bool {
    switch (first, second) {
    case (.inputs(let a), .inputs(let b)):
      a.count == b.count && a.allSatisfy { position, tensor in b[position].map(tensor.hasContents) ?? false }
    case (.outputs(let a), .outputs(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0 == nil ? $1 == nil : $1.map($0!.hasContents) ?? false }
    default: false
    }
  }
}

extension Tensor {
  /// Whether another tensor has the same type, shape and bytes.
  fileprivate func hasContents(of other: Tensor) -> Bool {
    elementType == other.elementType && shape == other.shape
      && UnsafeRawBufferPointer(start: storage.base, count: byteCount).elementsEqual(
        UnsafeRawBufferPointer(start: other.storage.base, count: byteCount))
  }
}

/// The decisions about a graph while it is planned.
struct DecidedContents {
  private(set) var decisions: Decisions
  /// What finds those that are missing; nil if nothing does.
  let source: SegmentedRun?
  /// The contents of inputs that nodes asked for, by node of the planner's graph, then by position.
  private(set) var inputs: [Int: [Int: Tensor]] = [:]
  /// The number of decisions used about each node of the original graph.
  private var used: [Int: Int] = [:]

  init(_ decisions: Decisions, source: SegmentedRun?) { (self.decisions, self.source) = (decisions, source) }

  /// The next decision; nil if there is none.
  ///
  /// - Parameters:
  ///   - node: the node that asks.
  ///   - origin: the node of the original graph that it is, or is a part of.
  ///   - position: the input that it has to know.
  ///   - info: what is known of that.
  ///
  /// Throws `defect` if it is about something else.
  mutating func next(about node: Int, of origin: Int, on position: Int, _ info: ValueInfo) throws -> Decision? {
    let place = used[origin, default: 0]
    guard let decision = decisions[origin, place] else { return nil }
    used[origin] = place + 1
    if case .inputs(let contents) = decision {
      guard let tensor = contents[position], tensor.shape == info.shape, tensor.elementType == info.elementType else {
        throw GradCAMError(.defect, problem: "what a run told is about another node")
      }
      inputs[node, default: [:]].merge(contents) { $1 }
    }
    return decision
  }

  /// Notes contents that were found.
  mutating func add(_ contents: [Int: Tensor], about node: Int, of origin: Int) -> Decision {
    let decision = Decision.inputs(contents)
    decisions.add(decision, about: origin)
    used[origin, default: 0] += 1
    inputs[node, default: [:]].merge(contents) { $1 }
    return decision
  }

  /// Whether a node asked for contents, and what follows from them may be kept in their place.
  func canSettle(node: Int) -> Bool { source != nil && inputs[node] != nil }

  /// Keeps the contents of all outputs of a node in the place of those that it asked for.
  mutating func settle(node: Int, of origin: Int, _ outputs: [Tensor?]) {
    let count = inputs[node]!.count
    decisions.add(.outputs(outputs), about: origin, inPlaceOf: count)
    used[origin]! -= count - 1
    inputs[node] = nil
  }
}

extension GradCAMError {
  /// The error for an input whose contents only a run tells.
  static func awaiting(input index: Int) -> GradCAMError {
    var error = GradCAMError(
      .unsupported, problem: "input \(index) must be known before the model runs, but it depends on the image")
    (error.dependsOnData, error.awaitedInput) = (true, index)
    return error
  }
}
