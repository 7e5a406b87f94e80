import Graph

/// The nodes of two files of one network that compute the same numbers.
struct NodePairing {
  /// How the nodes of a pair were found.
  enum Evidence: String, Sendable {
    /// A tensor or node has the same name in both files, but for what quantisation adds to it.
    case name
    /// A module has the same path.
    case module
    /// The same layers lead to them.
    case position
  }

  /// Two quantities that are one.
  struct Pair: Sendable {
    let first, second: Quantity
    /// The values that the rest of each network reads.
    let values: (first: ValueID, second: ValueID)
    let evidence: Evidence
    /// How the axes of the second lie compared with the first's.
    let order: AxisOrder
  }

  /// In the order of the first network's nodes.
  private(set) var pairs: [Pair] = []
  /// The numbers of quantities of each network.
  let counts: (first: Int, second: Int)

  /// Pairs what is certain: by names, else by module paths, else by position, if the extents are the same.
  ///
  /// Layouts may differ if what the axes count is known. A name counts only if the position does not contradict it.
  init(_ first: NodeCatalogue, _ second: NodeCatalogue, images: (first: [ValueID], second: [ValueID])) {
    let one = Side(first, images: images.first), other = Side(second, images: images.second)
    counts = (one.quantities.count, other.quantities.count)
    var partners: [Int: (place: Int, evidence: Evidence)] = [:], taken: Set<Int> = []
    func pair(_ place: Int, _ partner: Int, _ evidence: Evidence) {
      var (place, partner) = (place, partner)
      if evidence != .position {
        guard let ends = Self.ends(one.tails[place], of: one, other.tails[partner], of: other) else { return }
        (place, partner) = (ends.first ?? place, ends.second ?? partner)
      }
      guard partners[place] == nil, !taken.contains(partner), one.order(place, partner, of: other) != nil else {
        return
      }
      partners[place] = (partner, evidence)
      taken.insert(partner)
    }
    let sure = Self.positions(one, other, anchors: [])
    let known = Dictionary(uniqueKeysWithValues: sure)
    let opposite = Dictionary(uniqueKeysWithValues: sure.map { ($1, $0) })
    func contradicts(_ place: Int, _ partner: Int) -> Bool {
      (known[place].map { $0 != partner } ?? false) || (opposite[partner].map { $0 != place } ?? false)
    }
    for names in [\Side.tensors, \Side.plainTensors, \Side.nodes, \Side.plainNodes] {
      for (name, place) in one[keyPath: names].sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
        guard let partner = other[keyPath: names][name], !contradicts(place, partner),
          name.isTelling || one.operatorName(place) == other.operatorName(partner)
        else { continue }
        pair(place, partner, .name)
      }
    }
    for (path, place) in one.modules.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      guard let partner = other.modules[path], !contradicts(place, partner) else { continue }
      pair(place, partner, .module)
    }
    for (place, partner) in sure { pair(place, partner, .position) }
    let anchors = partners.map { ($0.key, $0.value.place) }.sorted { $0 < $1 }
    for (place, partner) in Self.positions(one, other, anchors: anchors) { pair(place, partner, .position) }
    pairs = partners.sorted { $0.key < $1.key }.map { place, partner in
      let (own, its) = (one.quantities[place], other.quantities[partner.place])
      return Pair(
        first: own, second: its, values: (one.value(place), other.value(partner.place)), evidence: partner.evidence,
        order: one.order(place, partner.place, of: other)!)
    }
  }

  /// Where quantities of one name are the same for certain.
  ///
  /// At once if the same operators follow, which are nil; else at the ends of what follows, because what is fused may
  /// keep the name of its first or its last node. Nil if the ends are not of the same operators either.
  private static func ends(
    _ tail: [Int], of one: Side, _ otherTail: [Int], of other: Side
  ) -> (first: Int?, second: Int?)? {
    let (tail, otherTail) = (tail.filter(one.computes), otherTail.filter(other.computes))
    let (kinds, otherKinds) = (tail.map(one.operatorName), otherTail.map(other.operatorName))
    if kinds == otherKinds { return (nil, nil) }
    guard kinds.isEmpty || otherKinds.isEmpty || kinds.last == otherKinds.last else { return nil }
    return (tail.last, otherTail.last)
  }

  /// The quantities of one position in both networks, each of which has it only once.
  ///
  /// Of a chain, all are paired if both networks have the same operators there; else the end, if there is one and the
  /// chain is whole.
  private static func positions(_ one: Side, _ other: Side, anchors: [(Int, Int)]) -> [(Int, Int)] {
    let numbering = GraphPositions.Numbering()
    func positions(_ side: Side, _ anchored: [Int]) -> (chains: [Int: [Int]], GraphPositions) {
      var anchors: [ValueID: Int] = [:]
      for (number, place) in anchored.enumerated() {
        for form in side.quantities[place].forms { anchors[form] = number }
      }
      let found = GraphPositions(
        side.catalogue.graph, images: side.images, anchors: anchors, infos: side.catalogue.infos, numbering)
      var chains: [Int: [Int]] = [:]
      for (place, quantity) in side.quantities.enumerated() where side.computes(place) {
        if let number = found.numbers[quantity.root] { chains[number, default: []].append(place) }
      }
      return (chains, found)
    }
    let (chains, found) = positions(one, anchors.map(\.0)),
      (otherChains, otherFound) = positions(other, anchors.map(\.1))
    var pairs: [(Int, Int)] = []
    for (number, chain) in chains {
      guard let otherChain = otherChains[number], found.layerCounts[number, default: 1] == 1,
        otherFound.layerCounts[number, default: 1] == 1
      else { continue }
      if chain.map(one.operatorName) == otherChain.map(other.operatorName) {
        pairs += zip(chain, otherChain)
      } else if anchors.isEmpty, let end = one.end(of: chain), let otherEnd = other.end(of: otherChain) {
        pairs.append((end, otherEnd))
      }
    }
    return pairs.sorted { $0 < $1 }.filter { one.order($0, $1, of: other) != nil }
  }

  /// One of the networks.
  private struct Side {
    let catalogue: NodeCatalogue
    let images: [ValueID]
    let quantities: [Quantity]
    /// The quantities of names that only one has: of tensors, of nodes, the same without what quantisation adds, and of
    /// modules.
    private(set) var tensors: [String: Int] = [:], plainTensors: [String: Int] = [:]
    private(set) var nodes: [String: Int] = [:], plainNodes: [String: Int] = [:]
    private(set) var modules: [String: Int] = [:]
    /// For each quantity, those that are computed of it alone one after another, element by element, and of which the
    /// next is all that reads it.
    private(set) var tails: [[Int]] = []
    /// The quantities that each is computed of.
    private(set) var sources: [Set<Int>] = []

    init(_ catalogue: NodeCatalogue, images: [ValueID]) {
      (self.catalogue, self.images) = (catalogue, images)
      let graph = catalogue.graph
      quantities = graph.quantities(catalogue.infos) {
        catalogue.reachesExplained($0) && catalogue.infos[$0]?.constant == nil
      }
      func table(_ names: (Quantity) -> [String]) -> [String: Int] {
        var table: [String: Int] = [:], doubtful: Set<String> = []
        for (place, quantity) in quantities.enumerated() {
          for name in Set(names(quantity)) where !name.isEmpty {
            if table.updateValue(place, forKey: name) != nil { doubtful.insert(name) }
          }
        }
        return table.filter { !doubtful.contains($0.key) }
      }
      tensors = table { $0.forms.map { graph.values[$0].name } }
      plainTensors = table { $0.forms.map { graph.values[$0].name.withoutQuantization } }
      nodes = table { [graph.nodes[$0.node].name] }
      plainNodes = table { [graph.nodes[$0.node].name.withoutQuantization] }
      modules = table { catalogue.index.modules[$0.root] ?? [] }
      (tails, sources) = Self.tails(of: quantities, graph, catalogue.infos)
    }

    /// Whether a quantity holds other numbers than what it is computed of, not only in another order or type.
    func computes(_ place: Int) -> Bool {
      ![.identity, .rearrangement].contains(catalogue.graph.nodes[quantities[place].node].role)
    }

    /// The only one of some quantities that no other of them is computed of; nil if there are several.
    func end(of chain: [Int]) -> Int? {
      var inner: Set<Int> = [], open = chain
      // What is left out of the chain only passes numbers on.
      while let place = open.popLast() {
        for source in sources[place] where inner.insert(source).inserted && !computes(source) { open.append(source) }
      }
      let ends = chain.filter { !inner.contains($0) }
      return ends.count == 1 ? ends[0] : nil
    }

    private static func tails(
      of quantities: [Quantity], _ graph: ComputeGraph, _ infos: [ValueID: ValueInfo]
    ) -> (tails: [[Int]], sources: [Set<Int>]) {
      var places: [ValueID: Int] = [:], readers = [Set<Int>](repeating: [], count: quantities.count)
      for (place, quantity) in quantities.enumerated() { for form in quantity.forms { places[form] = place } }
      let computing = Dictionary(quantities.enumerated().map { ($1.node, $0) }) { first, _ in first }
      let changing = Set(quantities.flatMap { $0.restored.map(\.node) })
      for (index, node) in graph.nodes.enumerated() where node.role != .quantization && !changing.contains(index) {
        for read in node.reads { if let place = places[read] { readers[place].insert(index) } }
      }
      for output in graph.outputs { if let place = places[output] { readers[place].insert(-1) } }
      // Numbers that scale a whole tensor do not count.
      let sources = quantities.map { quantity in
        Set(graph.nodes[quantity.node].reads.filter { (infos[$0]?.shape.count ?? 0) > 1 }.compactMap { places[$0] })
      }
      var tails = [[Int]](repeating: [], count: quantities.count)
      for place in quantities.indices.reversed() {
        guard readers[place].count == 1, let reader = readers[place].first, let next = computing[reader],
          graph.nodes[reader].isTransparent(infos), sources[next] == [place]
        else { continue }
        tails[place] = [next] + tails[next]
      }
      return (tails, sources)
    }

    func value(_ place: Int) -> ValueID { quantities[place].value(in: catalogue.infos)! }

    func operatorName(_ place: Int) -> OperatorName { catalogue.graph.nodes[quantities[place].node].operatorName }

    /// How the axes of another network's quantity lie compared with those of this one's; nil if they are not the same.
    func order(_ place: Int, _ partner: Int, of other: Side) -> AxisOrder? {
      let value = value(place), otherValue = other.value(partner)
      guard let info = catalogue.infos[value], let otherInfo = other.catalogue.infos[otherValue] else { return nil }
      return AxisOrder(
        of: otherInfo.shape, other.catalogue.dimensions[otherValue], as: info.shape, catalogue.dimensions[value])
    }
  }
}

extension String {
  /// The name without what ONNX Runtime's quantisation adds to those of tensors and nodes.
  fileprivate var withoutQuantization: String {
    let added = [
      "_QuantizeLinear_Output", "_DequantizeLinear_Output", "_QuantizeLinear", "_DequantizeLinear", "_quantized",
      "_dequantized", "_quant",
    ]
    return added.first(where: hasSuffix).map { String(dropLast($0.count)) } ?? self
  }

  /// Whether it says more than a number, an operator and a number: such names of two exporters can be equal by chance.
  fileprivate var isTelling: Bool {
    let parts = split { !$0.isLetter && !$0.isNumber }.filter { part in !part.allSatisfy(\.isNumber) }
    let words = parts.filter { !["onnx", "output", "Output", "Y"].contains($0) }
    return words.count > 1
  }
}
