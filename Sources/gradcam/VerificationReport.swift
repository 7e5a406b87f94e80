import GradCAM

/// What `verify` reports about a model.
struct VerificationReport: Encodable {
  struct Slope: Encodable { let gradient, difference: Double }

  struct DirectionCheck: Encodable {
    let direction: String
    let untied: Bool
    let slopes: [Slope]
    let error, uncertainty: Double
    let verdict: String

    /// The slopes that differ most.
    var worst: Slope { slopes.max { abs($0.gradient - $0.difference) < abs($1.gradient - $1.difference) }! }
  }

  struct Node: Encodable {
    let node, tensor, verdict: String
    let comparisons: [DirectionCheck]
  }

  let model: String
  @Nullable var image: String?
  let target: String
  @Nullable var `class`: Int?
  @Nullable var label: String?
  let tolerance = GradientVerification.tolerance
  private(set) var nodes: [Node] = []

  init(model: String, image: String?, _ target: any Target) {
    let classTarget = target as? ClassTarget
    self.model = model
    self.image = image
    self.target = target.description
    self.class = classTarget?.index
    self.label = classTarget?.label
  }

  /// Adds what was found at a node.
  mutating func add(_ verification: GradientVerification) {
    nodes.append(
      Node(
        node: verification.node, tensor: verification.tensor, verdict: verification.verdict.rawValue,
        comparisons: verification.comparisons.map {
          DirectionCheck(
            direction: $0.direction.rawValue, untied: $0.leavesOutTies,
            slopes: $0.slopes.map { Slope(gradient: $0.gradient, difference: $0.difference) }, error: $0.error,
            uncertainty: $0.uncertainty, verdict: $0.verdict.rawValue)
        }))
  }

  private var comparisons: [DirectionCheck] { nodes.flatMap(\.comparisons) }
  private func count(_ verdict: GradientVerification.Verdict) -> Int {
    comparisons.count { $0.verdict == verdict.rawValue }
  }

  var disagrees: Bool { count(.disagrees) > 0 }

  /// Prints a line for every comparison, then their count.
  func describe() throws {
    let name = label ?? `class`.map { "class \($0)" } ?? target
    try Console.print("\(model), \(name), \(image ?? "pseudo-random image")")
    var table = Table(["node", "direction", " gradient", " difference", " error", " uncertainty", "verdict"])
    for node in nodes {
      for each in node.comparisons {
        table.add(
          place(node: node.node, tensor: node.tensor), each.direction + (each.untied ? ", untied" : ""),
          significant(each.worst.gradient), significant(each.worst.difference), percent(each.error),
          percent(each.uncertainty), each.verdict)
      }
    }
    try Console.print(table)
    let worst = comparisons.filter { $0.verdict != GradientVerification.Verdict.none.rawValue }.map(\.error).max()
    try Console.print(
      "\(count(.agrees)) agree, \(count(.disagrees)) disagree, \(count(.none)) without verdict; tolerance "
        + percent(tolerance) + (worst.map { ", largest error \(percent($0))" } ?? ""))
  }

  private func percent(_ share: Double) -> String { share > 1 ? "over 100%" : decimal(share * 100, 3) + "%" }
}
