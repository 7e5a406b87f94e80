import GradCAM

/// What `drift` found.
struct DriftReport: Encodable {
  struct Node: Encodable {
    /// From 1.
    let rank: Int
    /// Names, tensors, positions and operators in both files.
    let node, other_node, tensor, other_tensor: String
    let index, other_index: Int
    let `operator`, other_operator: String
    let shape: [Int]
    /// How the two were found to be one: `name`, `module` or `position`.
    let matched_by: String
    /// Whether the elements lie in different orders.
    let reordered: Bool
    /// In decibels.
    let snr: Double
    @Nullable var own_snr: Double?
    @Nullable var map_pearson: Double?
    @Nullable var map_ssim: Double?
    let breaks: Bool
    /// The nodes of the second file that make its own error.
    let other_nodes: [String]
  }

  struct Image: Encodable {
    let image: String
    /// The top classes in both files.
    let top, other_top: TopClass
    /// The probability of the first file's top class in the second file.
    let probability: Float
    let agrees: Bool
  }

  /// The numbers that say how well the network was kept.
  struct Summary: Encodable {
    /// The share of images with the same top class.
    @Nullable var agreement: Double?
    /// The mean change of the probability of the first file's top class.
    @Nullable var probability_change: Double?
    /// Of the class scores, in decibels.
    @Nullable var snr: Double?
    /// The least of a single node's own.
    @Nullable var own_snr: Double?
    /// Of most nodes' own.
    @Nullable var usual_own_snr: Double?
    /// Of the map that explain draws.
    @Nullable var map_pearson: Double?
    @Nullable var map_ssim: Double?

    private static let figures: [(name: String, value: @Sendable (Summary) -> Double?)] = [
      ("agreement", { $0.agreement }), ("probability-change", { $0.probability_change }), ("snr", { $0.snr }),
      ("own-snr", { $0.own_snr }), ("usual-own-snr", { $0.usual_own_snr }), ("map-pearson", { $0.map_pearson }),
      ("map-ssim", { $0.map_ssim }),
    ]

    /// What conditions may be about.
    static let names = figures.map(\.name)

    /// A figure by its name; nil if it was not measured.
    subscript(name: String) -> Double? { Self.figures.first { $0.name == name }.flatMap { $0.value(self) } }
  }

  let model, other_model, method: String
  let preprocessing: String?
  let summary: Summary
  /// The first node that breaks; nil if no single node stands out.
  @Nullable var breaks: String?
  /// The nodes without a certain counterpart, of each file.
  let unmatched, other_unmatched: Int
  let images: [Image]
  /// Ranked: those that break in the file's order, then the others by their own errors, the largest first.
  let nodes: [Node]
  /// How it came about; nil if nobody asks.
  @Nullable var provenance: Provenance? = nil

  private let drift: Drift

  private enum CodingKeys: String, CodingKey {
    case model, other_model, method, preprocessing, summary, breaks, unmatched, other_unmatched, images, nodes,
      provenance
  }

  init(_ drift: Drift, paths: [String], images: [String], method: String, preprocessing: String?) {
    self.drift = drift
    (model, other_model, self.method, self.preprocessing) = (paths[0], paths[1], method, preprocessing)
    let ranking = drift.ranking, shown = drift.auto.map { drift.nodes[$0] }
    summary = Summary(
      agreement: drift.agreement, probability_change: drift.probabilityChange, snr: drift.scoreRatio,
      own_snr: drift.nodes.compactMap(\.ownRatio).min(), usual_own_snr: drift.usualOwnRatio,
      map_pearson: shown?.pearson, map_ssim: shown?.similarity)
    breaks = drift.firstBroken?.name
    (unmatched, other_unmatched) = drift.unpaired
    self.images = zip(images, drift.images).map { path, image in
      Image(
        image: path,
        top: TopClass(class: image.first.index, label: image.first.label, probability: image.first.probability),
        other_top: TopClass(
          class: image.second.index, label: image.second.label, probability: image.second.probability),
        probability: image.probability, agrees: image.agrees)
    }
    nodes = ranking.enumerated().map { place, node in
      Node(
        rank: place + 1, node: node.name, other_node: node.otherName, tensor: node.tensor,
        other_tensor: node.otherTensor, index: node.index, other_index: node.otherIndex,
        operator: "\(node.operatorName)", other_operator: "\(node.otherOperatorName)", shape: node.shape.dimensions,
        matched_by: node.evidence, reordered: node.isReordered, snr: node.ratio, own_snr: node.ownRatio,
        map_pearson: node.pearson, map_ssim: node.similarity, breaks: node.isBroken, other_nodes: node.parts)
    }
  }

  /// What breaks, in a sentence.
  var verdict: String {
    let usual = summary.usual_own_snr.map { "; half of the others are above \(decimal($0, 1)) dB" } ?? ""
    if let node = drift.firstBroken {
      let parts =
        node.parts.isEmpty
        ? ""
        : ", computed by \(enumerated(node.parts.prefix(6).map { "'\($0)'" }))"
          + (node.parts.count > 6 ? " and others" : "")
      return "it breaks at '\(node.name)' (\(node.operatorName), #\(node.index)): \(decimal(node.ownRatio!, 1)) dB of "
        + "its own\(usual); in \(other_model) it is \(node.otherOperatorName) #\(node.otherIndex)\(parts)"
    }
    guard let usual = summary.usual_own_snr, let worst = nodes.first, let own = worst.own_snr else {
      return "no single node stands out: all nodes compute the same numbers"
    }
    let cause = usual < DriftReport.similar ? "; most nodes differ, as in files with other weights" : ""
    return
      "no single node stands out: the largest error of its own is at '\(worst.node)', \(decimal(own, 1)) dB; half of "
      + "the nodes that have one are above \(decimal(usual, 1)) dB\(cause)"
  }

  /// Networks whose usual node differs by more than this have little in common.
  private static let similar = 6.0

  /// - Parameter all: whether all nodes are listed, not only the first.
  func describe(all: Bool) throws {
    if let preprocessing { try Console.print("input: \(preprocessing)") }
    try Console.print("\(model) → \(other_model), \(counted(max(images.count, 1), "picture"))")
    var table = Table([" rank", " own", " snr", " pearson", " ssim", "node", "operator", "shape", "matched by"])
    let listed = all ? nodes[...] : nodes.prefix(10)
    func number(_ value: Double?, _ places: Int) -> String { value.map { decimal($0, places) } ?? "–" }
    for node in listed {
      let kinds =
        node.operator == node.other_operator ? node.operator : "\(node.operator) → \(node.other_operator)"
      table.add(
        "\(node.rank)\(node.breaks ? "!" : "")", number(node.own_snr, 1), number(node.snr, 1),
        number(node.map_pearson, 3), number(node.map_ssim, 3),
        node.node.count > 48 ? "…" + node.node.suffix(47) : node.node, kinds,
        node.shape.map(String.init).joined(separator: "×"),
        node.matched_by + (node.reordered ? ", axes in another order" : ""))
    }
    try Console.print(table)
    if listed.count < nodes.count { try Console.print("… \(nodes.count - listed.count) more with --all") }
    var sentences: [String] = []
    if let agreement = summary.agreement {
      let same = Int((agreement * Double(images.count)).rounded())
      sentences.append(
        "the top class is the same in \(same) of \(counted(images.count, "picture")); its probability changes by "
          + "\(percent(summary.probability_change ?? 0)) on average")
    }
    if let snr = summary.snr { sentences.append("scores at \(decimal(snr, 1)) dB") }
    if let pearson = summary.map_pearson {
      sentences.append("maps correlate by \(decimal(pearson, 3))")
    }
    if !sentences.isEmpty { try Console.print(sentences.joined(separator: "; ")) }
    try Console.print(verdict)
    if unmatched + other_unmatched > 0 {
      try Console.print(
        "\(counted(nodes.count, "node")) compared; \(unmatched) of the first file and \(other_unmatched) of the second "
          + "are folded into others, or have no certain counterpart")
    }
  }
}
