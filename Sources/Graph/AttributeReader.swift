/// Reads the attributes of one node and remembers which were read.
///
/// Ignoring an attribute could silently give a wrong heat map, so an attribute that is not read fails the load, by
/// name.
public struct AttributeReader {
  /// The node.
  public let node: Node
  /// The opset versions that the model uses, by domain.
  public let opsets: [String: Int]
  private var unread: Set<String>

  /// Starts reading.
  public init(_ node: Node, opsets: [String: Int]) {
    self.node = node
    self.opsets = opsets
    unread = Set(node.attributes.keys)
  }

  /// The opset version that the model uses for the node's operator domain; the newest if it names none.
  public var opset: Int { opsets[node.operatorName.domain] ?? .max }

  /// Whether the file holds the attribute; does not count as reading it.
  public func has(_ name: String) -> Bool { node.attributes[name] != nil }

  /// Drops attributes that mean nothing at inference.
  public mutating func ignore(_ names: String...) { unread.subtract(names) }

  /// An attribute of any type; nil if it is absent.
  public mutating func attribute(_ name: String) -> Attribute? {
    unread.remove(name)
    return node.attributes[name]
  }

  /// An integer that parametrises the operator; nil if it is absent.
  ///
  /// Throws `badData` if it lies beyond what shapes may have.
  public mutating func int(_ name: String) throws -> Int? { try exactInt(name).map { try inRange($0, name) } }

  /// An integer with a default.
  public mutating func int(_ name: String, default value: Int) throws -> Int { try int(name) ?? value }

  /// An integer read as a Boolean.
  public mutating func flag(_ name: String, default value: Bool = false) throws -> Bool {
    try exactInt(name).map { $0 != 0 } ?? value
  }

  /// A list of integers that parametrise the operator; nil if it is absent.
  ///
  /// Throws `badData` if one lies beyond what shapes may have.
  public mutating func ints(_ name: String) throws -> [Int]? {
    try exactInts(name)?.map { try inRange($0, name) }
  }

  /// A position along an axis, brought to ±`Shape.elementLimit` if it is far outside of any tensor; nil if it is absent.
  public mutating func position(_ name: String) throws -> Int? { try exactInt(name)?.asPosition }

  /// Positions along axes, brought to ±`Shape.elementLimit` if far outside of any tensor; nil if they are absent.
  public mutating func positions(_ name: String) throws -> [Int]? { try exactInts(name)?.map(\.asPosition) }

  /// An integer of any size, which is data; nil if it is absent.
  public mutating func exactInt(_ name: String) throws -> Int? {
    guard let attribute = attribute(name) else { return nil }
    guard case .int(let value) = attribute else { throw mismatch(name, "an integer") }
    return Int(value)
  }

  /// A list of integers of any size, which are data; nil if it is absent.
  public mutating func exactInts(_ name: String) throws -> [Int]? {
    guard let attribute = attribute(name) else { return nil }
    guard case .ints(let values) = attribute else { throw mismatch(name, "a list of integers") }
    return values.map(Int.init)
  }

  private func inRange(_ value: Int, _ name: String) throws -> Int {
    guard value.magnitude <= Shape.elementLimit else {
      throw GradCAMError(.badData, at: "attribute '\(name)'", problem: "\(value) is out of range")
    }
    return value
  }

  /// A number; nil if it is absent.
  public mutating func float(_ name: String) throws -> Float? {
    guard let attribute = attribute(name) else { return nil }
    guard case .float(let value) = attribute else { throw mismatch(name, "a number") }
    return value
  }

  /// A number with a default.
  public mutating func float(_ name: String, default value: Float) throws -> Float { try float(name) ?? value }

  /// A list of numbers; nil if it is absent.
  public mutating func floats(_ name: String) throws -> [Float]? {
    guard let attribute = attribute(name) else { return nil }
    guard case .floats(let values) = attribute else { throw mismatch(name, "a list of numbers") }
    return values
  }

  /// A string with a default.
  public mutating func string(_ name: String, default value: String) throws -> String {
    guard let attribute = attribute(name) else { return value }
    guard case .string(let text) = attribute else { throw mismatch(name, "a string") }
    return text
  }

  /// A string that must be one of several.
  public mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default value: Choice
  ) throws -> Choice where Choice.RawValue == String {
    let text = try string(name, default: value.rawValue)
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw GradCAMError(
        .unsupported, at: "attribute '\(name)'", problem: "'\(text)' is not known", advice: "known are \(known)")
    }
    return choice
  }

  /// A tensor; nil if it is absent.
  public mutating func tensor(_ name: String) throws -> Tensor? {
    guard let attribute = attribute(name) else { return nil }
    guard case .tensor(let tensor) = attribute else { throw mismatch(name, "a tensor") }
    return tensor
  }

  /// Checks that every attribute was read.
  ///
  /// - Parameter reader: what should have read them, for messages.
  ///
  /// Throws `unsupported` naming the attributes that were not.
  public func finish(knownTo reader: String = "this program") throws {
    guard unread.isEmpty else {
      let names = unread.sorted().map { "'\($0)'" }.joined(separator: ", ")
      throw GradCAMError(.unsupported, problem: "attribute \(names) is not known to \(reader)")
    }
  }

  private func mismatch(_ name: String, _ expected: String) -> GradCAMError {
    if case .unsupported(let error) = node.attributes[name] { return error }
    return GradCAMError(.badData, at: "attribute '\(name)'", problem: "is not \(expected)")
  }
}

extension Int {
  /// The same as a position along an axis: far outside of any tensor, all positions mean the same.
  public var asPosition: Int { Swift.min(Swift.max(self, -Shape.elementLimit), Shape.elementLimit) }
}
