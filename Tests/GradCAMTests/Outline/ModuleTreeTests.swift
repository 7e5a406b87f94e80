import Graph
import GraphLayout
import Testing

@testable import GradCAM

@Suite struct ModuleTreeTests {
  /// Two residual blocks in a stage, each with a convolution, a relu that is called twice, and a sum.
  @Test func modulesAreGroups() {
    let stage = ["layer1"]
    func block(_ number: Int) -> [[String]] {
      let block = stage + ["layer1.\(number)"]
      return [
        block + ["layer1.\(number).conv"], block + ["layer1.\(number).relu"], block, block + ["layer1.\(number).relu"],
      ]
    }
    let tree = ModuleTree(
      paths: [["stem"]] + block(0) + block(1) + [["fc"]],
      inputs: [[], [0], [1], [2, 0], [3], [4], [5], [6, 4], [7], [8]])
    #expect(tree.groups.map(\.path) == ["", "layer1", "layer1.0", "layer1.1"])
    #expect(tree.groups.map(\.title) == ["", "layer1", "layer1.0", "layer1.1"])
    #expect(tree.groups.map(\.parent) == [nil, 0, 1, 1])
    #expect(tree.groups[0].items == [.node(0), .group(1), .node(9)])
    #expect(tree.groups[1].items == [.entrance, .group(2), .group(3), .exit])
    #expect(tree.groups[2].items == [.entrance, .node(1), .node(2), .node(3), .node(4), .exit])
    #expect(tree.titles == [0: "stem", 1: "conv", 2: "relu", 4: "relu", 5: "conv", 6: "relu", 8: "relu", 9: "fc"])
    // The block's input goes around the convolution to the sum.
    let routes = tree.groups[2].layout.edges.filter { $0.route != .direct }
    #expect(routes.map { [$0.from, $0.to] } == [[0, 3]])
  }

  @Test func aModuleAroundAllIsLeftOut() {
    let tree = ModuleTree(paths: [["net", "net.a"], ["net", "net.b"], ["net", "net.b"]], inputs: [[], [0], [1]])
    #expect(tree.groups.map(\.path) == ["", "net.b"])
    #expect(tree.groups[1].title == "b")
    #expect(tree.titles[0] == "a")
  }

  @Test func modulesThatHoldOnlyOneOtherAreOneGroup() {
    let inner = ["a", "a.b", "a.b.c"]
    let tree = ModuleTree(paths: [[], inner, inner, []], inputs: [[], [0], [1], [2]])
    #expect(tree.groups.map(\.path) == ["", "a.b.c"])
    #expect(tree.groups[1].items == [.entrance, .node(1), .node(2), .exit])
  }

  /// A module that is called before and after another one is two groups: as one, each would need the other's result.
  @Test func aModuleIsDividedWhereItWouldMakeACycle() {
    let paths = [["a"], ["a"], ["b"], ["b"], ["a"], ["a"]]
    let chain = ModuleTree(paths: paths, inputs: [[], [0], [1], [2], [3], [4]])
    #expect(chain.groups.map(\.path) == ["", "a", "b", "a"])
    #expect(chain.groups.map(\.members) == [[0, 1, 2, 3, 4, 5], [0, 1], [2, 3], [4, 5]])
    // The second call of b reads a, the second of a reads b, though no path leads through either from end to end.
    let crossed = ModuleTree(paths: [["a"], ["b"], ["b"], ["a"]], inputs: [[], [], [0], [1]])
    #expect(crossed.groups.count == 2)
    for group in crossed.groups { expectOrder(group) }
  }

  /// Whatever the modules are, the items of each group depend on each other without cycles.
  @Test func randomNetworksHaveNoCycles() {
    var random = SplitMix64(seed: 7)
    func draw(_ bound: Int) -> Int { Int.random(in: 0..<max(bound, 1), using: &random) }
    for _ in 0..<200 {
      let count = 2 + draw(30)
      let paths = (0..<count).map { _ in
        (1..<1 + draw(4)).reduce(into: [String]()) { path, _ in
          path.append((path.last.map { $0 + "." } ?? "") + "m\(draw(3))")
        }
      }
      let inputs = (0..<count).map { node in
        Set((0..<draw(3)).compactMap { _ in node > 0 ? draw(node) : nil }).sorted()
      }
      let tree = ModuleTree(paths: paths, inputs: inputs)
      for group in tree.groups { expectOrder(group) }
      let nodes = tree.groups.flatMap(\.items).compactMap { if case .node(let node) = $0 { node } else { nil } }
      #expect(nodes.sorted() == Array(0..<count))
      let groups = tree.groups.flatMap(\.items).compactMap { if case .group(let group) = $0 { group } else { nil } }
      #expect(groups.sorted() == Array(tree.groups.indices.dropFirst()))
    }
  }

  private func expectOrder(_ group: ModuleTree.Group) {
    for edge in group.layout.edges {
      #expect(edge.from < edge.to)
      #expect(group.layout.places[edge.from].row < group.layout.places[edge.to].row)
    }
  }

  @Test func aNetworkWithoutModulesIsOneGroup() {
    let tree = ModuleTree(paths: [[], [], []], inputs: [[], [0], [0, 1]])
    #expect(tree.groups.count == 1)
    #expect(tree.groups[0].items == [.node(0), .node(1), .node(2)])
    #expect(ModuleTree(paths: [], inputs: []).groups[0].items.isEmpty)
  }
}
