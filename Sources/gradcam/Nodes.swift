import ArgumentParser
import GradCAM
import Graph

struct Nodes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nodes",
    abstract: "Lists every node at which a map can be taken, with all its names.",
    discussion: """
      Any name in a line may be given to --node, and so may the name of the image input. What depends on the picture, \
      such as the number of a detector's boxes, is known when the network runs on one: give it with --image NAME=FILE \
      or --tensor.
      """)

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Flag(help: "List every node, not only feature maps.") var all = false
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  private struct Row: Encodable {
    let index: Int
    let name, tensor: String
    @Nullable var module: String?
    let `operator`: String
    @Nullable var shape: [Int]?
    let auto: Bool
  }

  func run() throws {
    try host.enterSandbox(models: [self.model], read: image.paths)
    let model = try host.open(model, image)
    let tensors = try InputTensors(
      tensors: image.tensor, pictures: image.pictures, axes: image.axes, model: model)
    let preprocessing = try tensors.preprocessing(image.choice, for: model), size = preprocessing.inputSize
    let others = tensors.others.mapValues { ValueInfo($0.elementType, $0.shape) }
    let catalogue: NodeCatalogue
    if tensors.images.isEmpty {
      catalogue = try NodeCatalogue(model, size: size, inputs: others)
    } else {
      let explainer = try Explainer(model, preprocessing: preprocessing, inputs: tensors.others)
      catalogue = try NodeCatalogue(explainer, for: explainer.prepare(tensors.images))
    }
    let entries = catalogue.entries.filter { all || $0.isMappable || $0.isAuto }
    if let failure = catalogue.failure, !failure.dependsOnData {
      Console.warn("\(failure); the nodes listed lie before it")
    }
    if json {
      return try printJSON(
        entries.map {
          Row(
            index: $0.index, name: $0.name, tensor: $0.tensor, module: $0.module,
            operator: "\($0.operatorName)", shape: $0.shape?.dimensions, auto: $0.isAuto)
        })
    }
    var table = Table([" #", "module", "operator", "shape", "tensor", "node", ""])
    for entry in entries {
      table.add(
        "\(entry.index)", entry.module ?? "–", "\(entry.operatorName)",
        entry.shape.map { "\($0)" } ?? (entry.dependsOnData ? "known when it runs" : "–"),
        entry.tensor, entry.name, entry.isAuto ? "← auto" : "")
    }
    try Console.print(table)
    if tensors.images.isEmpty { try Console.print("input: \(preprocessing.text)") }
    if catalogue.failure?.dependsOnData == true {
      let auto = entries.contains(where: \.isAuto) ? "" : ", and so does the node that auto means"
      try Console.print("what the network returns depends on the picture\(auto); --all lists all nodes")
    }
    for warning in preprocessing.warnings where [.axesAssumed, .extentsAssumed].contains(warning.code) {
      Console.tell(warning)
    }
    if entries.isEmpty { Console.warn("this model has no feature map between its image and its score; see --all") }
  }
}
