import Graph

/// What became of a network in another file: node by node, and in the end.
public struct Drift: Sendable {
  /// A node of the first network with its counterpart.
  public struct Node: Sendable {
    /// Its position in the first file, and in the second.
    public let index, otherIndex: Int
    /// Its name in the first file, and in the second: of the module, else of the node, else of the tensor.
    public let name, otherName: String
    /// The tensors compared.
    public let tensor, otherTensor: String
    /// Its operator in the first file, and in the second.
    public let operatorName, otherOperatorName: OperatorName
    /// The extents in the first file.
    public let shape: Shape
    /// How the two were found to be one: `name`, `module` or `position`.
    public let evidence: String
    /// Whether the elements lie in different orders.
    public let isReordered: Bool
    /// The signal-to-noise ratio of the second file's numbers, in decibels.
    public let ratio: Double
    /// The same if the second file's node were given the first's numbers: of the error that it makes itself; nil if it
    /// cannot be run alone.
    public let ownRatio: Double?
    /// The nodes of the second file that make this error, by their names.
    public let parts: [String]
    /// Whether the error that it makes itself is out of line.
    public let isBroken: Bool
    /// The mean correlation and structural similarity of the maps of both; nil where there are none to compare.
    public let pearson, similarity: Double?
  }

  /// How the probable classes of an image changed.
  public struct Image: Sendable {
    /// The most probable class in each file.
    public let first, second: ScoredClass
    /// The probability that the second file gives the first one's class.
    public let probability: Float
    /// Whether the class is the same.
    public var agrees: Bool { first.index == second.index }
  }

  /// In the first file's order.
  public let nodes: [Node]
  /// The nodes that have no counterpart, of each file.
  public let unpaired: (first: Int, second: Int)
  /// The images, if the networks give them scores of classes.
  public let images: [Image]
  /// The signal-to-noise ratio of the class scores, or of the last value compared, in decibels.
  public let scoreRatio: Double?
  /// That of the errors that most nodes make themselves; nil if none makes any.
  public let usualOwnRatio: Double?
  /// The node that `auto` means, in `nodes`; nil if it has no counterpart.
  public let auto: Int?

  /// The first node that makes an error of its own that is out of line; nil if no single node stands out.
  public var firstBroken: Node? { nodes.first(where: \.isBroken) }

  /// The nodes that break in the file's order, then the others by the errors that they make themselves, the largest
  /// first.
  public var ranking: [Node] {
    let others = nodes.filter { !$0.isBroken }.enumerated().sorted { one, other in
      (one.element.ownRatio ?? .infinity, one.offset) < (other.element.ownRatio ?? .infinity, other.offset)
    }
    return nodes.filter(\.isBroken) + others.map(\.element)
  }

  /// The share of images whose most probable class is the same; nil if there are none.
  public var agreement: Double? {
    images.isEmpty ? nil : Double(images.count { $0.agrees }) / Double(images.count)
  }

  /// The mean change of the probability of the first file's class, without its sign; nil if there are no images.
  public var probabilityChange: Double? {
    images.isEmpty
      ? nil
      : images.reduce(0) { $0 + abs(Double($1.probability) - Double($1.first.probability)) } / Double(images.count)
  }
}
