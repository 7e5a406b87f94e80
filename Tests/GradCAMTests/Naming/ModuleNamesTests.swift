import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// A network of Fixtures/names/make.py with what PyTorch's hooks say that its modules returned.
private struct NamedNetwork {
  /// A tensor: its shape and a few of its elements, spread evenly.
  struct Recorded: Decodable, Equatable {
    let shape: [Int]
    let elements: [Double]
  }

  private struct Entry: Decodable {
    let image: [Float]
    let modules: [String: [Recorded]]
  }

  let catalogue: NodeCatalogue
  let graph: ComputeGraph
  /// By path: the tensor of each call.
  let modules: [String: [Recorded]]
  private let executor: Executor

  init(_ name: String, _ exporter: String) throws {
    let file = try Data(contentsOf: URL(filePath: fixture("names/names.json")))
    let entry = try #require(try JSONDecoder().decode([String: Entry].self, from: file)[name])
    modules = entry.modules
    let model = try Model(contentsOf: fixture("names/\(name).\(exporter).onnx"))
    graph = model.graph
    catalogue = try NodeCatalogue(model, size: PixelSize(width: 16, height: 16))
    let computed = catalogue.infos.filter { $0.value.constant == nil && $0.value.elementType.isFloatingPoint }.keys
    let plan = try Plan(
      graph, operators: model.registry.operators,
      request: PlanRequest(
        inputs: [model.imageInput: ValueInfo(.float32, [1, 3, 16, 16])], outputs: computed.sorted(),
        kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
    executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
    try executor.set(model.imageInput, to: Tensor(entry.image, shape: [1, 3, 16, 16]))
    try executor.forward()
  }

  /// Whether a value of the file is a recorded tensor.
  func holds(_ value: ValueID, _ recorded: Recorded) -> Bool {
    let tensor = executor.contents(of: value), count = tensor.shape.count
    guard tensor.shape.dimensions == recorded.shape else { return false }
    let largest = tensor.floats.map { Double(abs($0)) }.max() ?? 0, samples = recorded.elements.count
    return recorded.elements.enumerated().allSatisfy { index, element in
      let place = samples == 1 ? 0 : Int(Double(count - 1) * Double(index) / Double(samples - 1))
      return abs(Double(tensor.floats[place]) - element) <= 1e-4 * max(largest, 1)
    }
  }

  /// The modules that returned a value in some call.
  func modules(returning value: ValueID) -> Set<String> {
    Set(modules.filter { $0.value.contains { holds(value, $0) } }.keys)
  }
}

/// Whatever path of `named_modules()` is asked for: the tensor is what the module returned, or a note says what it is, or
/// the name is refused.
@Suite struct ModuleNamesTests {
  /// What became of the module paths of a file.
  private struct Tally: Equatable {
    var right = 0, noted = 0, refused = 0
  }

  @Test(arguments: [
    ("folds", "torchscript"), ("folds", "dynamo"), ("calls", "torchscript"), ("calls", "dynamo"),
    ("merges", "torchscript"), ("merges", "dynamo"), ("parts", "torchscript"), ("parts", "dynamo"),
  ])
  func noNameGivesAnotherTensorWithoutAWord(name: String, exporter: String) throws {
    let network = try NamedNetwork(name, exporter)
    var tally = Tally()
    for (path, calls) in network.modules {
      guard let match = try? network.catalogue.match(path) else {
        tally.refused += 1
        continue
      }
      let notes = match.notes.joined(separator: "; ")
      if calls.contains(where: { network.holds(match.value, $0) }) {
        tally.right += 1
      } else {
        tally.noted += 1
        #expect(
          ["one tensor", "folded", "merged", "transposes"].contains(where: notes.contains),
          "\(path) is \(match.tensor): \(notes)")
      }
      // What a note says of two modules is so.
      if let range = notes.range(of: " are also those of '") {
        let sharer = String(notes[range.upperBound...].prefix { $0 != "'" })
        #expect(network.modules[sharer] != nil, "\(path): \(notes)")
      }
      if let range = notes.range(of: "the BatchNorm '"), notes.contains("one tensor") {
        let normalization = String(notes[range.upperBound...].prefix { $0 != "'" })
        #expect(network.modules(returning: match.value).contains(normalization), "\(path): \(notes)")
      }
      if let range = notes.range(of: " is called "), !notes.contains("by this name") {
        #expect(Int(notes[range.upperBound...].prefix(while: \.isNumber)) == calls.count, "\(path): \(notes)")
      }
      // A path's calls are all those of its module only if the module has no other path.
      guard network.modules.values.filter({ $0 == calls }).count == 1 else { continue }
      for call in calls.indices {
        guard let one = try? network.catalogue.match("\(path):\(call)"), one.notes.isEmpty else { continue }
        #expect(network.holds(one.value, calls[call]), "\(path):\(call) is \(one.tensor)")
      }
    }
    #expect(tally.right + tally.noted + tally.refused == network.modules.count)
    #expect(tally == Self.expected["\(name).\(exporter)"], "\(tally)")
  }

  private static let expected = [
    "folds.torchscript": Tally(right: 51, noted: 21, refused: 9),
    "folds.dynamo": Tally(right: 53, noted: 25, refused: 3),
    "calls.torchscript": Tally(right: 46, noted: 2, refused: 11),
    "calls.dynamo": Tally(right: 54, noted: 2, refused: 3),
    "merges.torchscript": Tally(right: 21, noted: 0, refused: 0),
    "merges.dynamo": Tally(right: 13, noted: 5, refused: 3),
    "parts.torchscript": Tally(right: 8, noted: 0, refused: 2),
    "parts.dynamo": Tally(right: 9, noted: 0, refused: 1),
  ]

  @Test(arguments: ["folds", "calls", "merges", "parts"], ["torchscript", "dynamo"])
  func everyListedModuleExistsAndGivesItsRow(name: String, exporter: String) throws {
    let network = try NamedNetwork(name, exporter)
    for entry in network.catalogue.entries {
      guard let module = entry.module else { continue }
      let path = module.split(separator: ":").first.map(String.init) ?? module
      #expect(network.modules[path] != nil, "#\(entry.index) is listed as \(module)")
      #expect(throws: Never.self) { _ = try network.catalogue.match(module) }
    }
  }

  /// The name of a tensor that PyTorch's module returned, and what the note says; nil: no note.
  @Test(arguments: [
    ("torchscript", "block.sep", "block.bn", "ends with the convolution 'block.sep.pointwise'"),
    ("torchscript", "block.sep.pointwise", "block.bn", "the BatchNorm after it are one tensor"),
    ("torchscript", "block.bn", "block.bn", "assumed to be the BatchNorm that the exporter folded"),
    ("torchscript", "bn1", "bn1", nil), ("torchscript", "plain.1", "plain.1", "assumed"),
    ("torchscript", "embedder.normalization", "embedder.normalization", "'embedder.convolution'"),
    ("torchscript", "scene.batch_norm", "scene.batch_norm", "assumed"),
    ("torchscript", "mobile.depthwise_norm", "mobile.depthwise_norm", "'mobile.depthwise_conv'"),
    ("torchscript", "mobile.project_bn", "mobile.project_bn", "'mobile.project_conv'"),
    ("torchscript", "cell.bn_sep_2", "cell.bn_sep_2", "'cell.separable_2.pointwise'"),
    ("torchscript", "dense.norm2", "dense.norm2", "'dense.conv1'"), ("torchscript", "dense.norm1", "dense.norm1", nil),
    ("torchscript", "free.conv1", "free.conv1", nil), ("torchscript", "standard.biased", "standard.biased", nil),
    ("torchscript", "standard.conv", "standard.conv", nil), ("torchscript", "standard.bn", "standard.bn", nil),
    ("torchscript", "up", "up", nil), ("torchscript", "lone", "lone", nil),
    ("torchscript", "mobile", "mobile", "folded"),
    ("dynamo", "block.sep", "block.bn", "'block.sep', 'block.sep.pointwise' and the BatchNorm 'block.bn' are one"),
    ("dynamo", "conv_stem", "bn1.drop", "'conv_stem' and the BatchNorm of 'bn1'"), ("dynamo", "bn1", "bn1", nil),
    ("dynamo", "plain.3", "plain.4", "one tensor"), ("dynamo", "plain", "plain", nil),
    ("dynamo", "inverted._bn1", "inverted._bn1", "'inverted._depthwise_conv'"), ("dynamo", "up", "up_bn", "one tensor"),
    ("dynamo", "mobile", "mobile", nil), ("dynamo", "before.bn2", "before.bn2", "'before.conv1'"),
  ])
  func aFoldedNormalizationIsNoted(exporter: String, query: String, returned: String, note: String?) throws {
    let network = try NamedNetwork("folds", exporter)
    let match = try network.catalogue.match(query)
    #expect(network.modules(returning: match.value).contains(returned), "\(match.tensor)")
    let notes = match.notes.joined(separator: "; ")
    if let note { #expect(notes.contains(note), "\(notes)") } else { #expect(notes.isEmpty, "\(notes)") }
  }

  @Test(arguments: [
    ("inverted._bn1", "each of 'inverted._expand_conv', 'inverted._depthwise_conv', 'inverted._project_conv'"),
    ("before.bn2", "each of 'before.conv1', 'before.conv2'"), ("embedder.bnolution", "no node, tensor or module"),
    ("free.bn", "no node, tensor or module"), ("plain.2d", "no node, tensor or module"),
  ])
  func aNormalizationThatTheFileDoesNotTellIsRefused(query: String, words: String) throws {
    let network = try NamedNetwork("folds", "torchscript")
    expectError(.usage, at: "node '\(query)'", saying: words) { _ = try network.catalogue.match(query) }
  }

  @Test(arguments: ["torchscript", "dynamo"])
  func listsAreRefusedForTheirItems(exporter: String) throws {
    let catalogue = try NamedNetwork("calls", exporter).catalogue
    for (query, item) in [("listed.convs", "'listed.convs.1'"), ("listed.branches", "'listed.branches.right'")] {
      expectError(.usage, at: "node '\(query)'", saying: "is not called itself", item) {
        _ = try catalogue.match(query)
      }
    }
  }

  @Test func callsAreCountedOverAllBranches() throws {
    for exporter in ["torchscript", "dynamo"] {
      let network = try NamedNetwork("calls", exporter)
      for (path, count) in [("features", 2), ("features.3", 2), ("relu", 3)] {
        for call in 0..<count {
          let match = try network.catalogue.match("\(path):\(call)")
          #expect(network.holds(match.value, network.modules[path]![call]), "\(exporter) \(path):\(call)")
        }
        let last = try network.catalogue.match(path)
        #expect(network.holds(last.value, network.modules[path]!.last!))
        #expect(last.notes.joined().contains("called \(count) times"))
        expectError(.usage, saying: "only \(count) calls") { _ = try network.catalogue.match("\(path):\(count)") }
      }
    }
  }

  @Test func callsThatFollowEachOtherAreNotGuessed() throws {
    for exporter in ["torchscript", "dynamo"] {
      let network = try NamedNetwork("calls", exporter)
      let last = try network.catalogue.match("twice")
      #expect(network.holds(last.value, network.modules["twice"]![1]))
      expectError(.usage, saying: "does not tell the calls") { _ = try network.catalogue.match("twice:0") }
    }
  }

  @Test func oneModuleOfSeveralParentsIsFound() throws {
    let network = try NamedNetwork("calls", "torchscript")
    for call in 0..<3 {
      let match = try network.catalogue.match("position:\(call)")
      #expect(network.holds(match.value, network.modules["position"]![call]))
    }
    for exporter in ["torchscript", "dynamo"] {
      let match = try NamedNetwork("calls", exporter).catalogue.match("left.shared")
      #expect(match.notes.joined().contains("'right.shared'"), "\(exporter): \(match.notes)")
    }
  }
}
