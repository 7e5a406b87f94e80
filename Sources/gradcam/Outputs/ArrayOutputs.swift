import ArgumentParser
import GradCAM
import Graph

/// Which arrays are written, and where.
struct ArrayOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write the map over the picture: its size, values of 0 to 1, NaN where the network does not look. FILE.npy for "
        + "one; for several a folder, a name with fields like --output's, or FILE.npz. All --save options take these; "
        + "those of maps also FILE.nii or FILE.nii.gz for the map of such a volume.",
      valueName: "PATH"), completion: .array)
  var saveHeat: String?
  @Option(
    help: ArgumentHelp("Write the map (h, w) at the node's size, after rectification.", valueName: "PATH"),
    completion: .array)
  var saveMap: String?
  @Option(help: ArgumentHelp("Write the activation at the node.", valueName: "PATH"), completion: .array)
  var saveActivation: String?
  @Option(help: ArgumentHelp("Write the gradient at the node.", valueName: "PATH"), completion: .array)
  var saveGradient: String?
  @Option(
    help: ArgumentHelp("Write the model's first output, or that of --output-name.", valueName: "PATH"),
    completion: .array)
  var saveOutput: String?

  /// The paths that the options name.
  var paths: [String] { [saveHeat, saveMap, saveActivation, saveGradient, saveOutput].compactMap { $0 } }

  /// An option that is given and writes what only one node has.
  var ofOneNode: String? {
    saveActivation.map { _ in "--save-activation" } ?? saveGradient.map { _ in "--save-gradient" }
  }
}

/// The arrays that `explain` writes.
final class ArrayOutputs {
  /// What an array holds.
  private enum Kind: String {
    case heat, map, activation, gradient, output

    var isMap: Bool { self == .heat || self == .map }

    /// What arrays of the kind differ in.
    var fields: [NameField] {
      switch self {
      case .heat, .map: [.image, .node, .class, .method]
      case .activation: [.image, .node]
      case .gradient: [.image, .node, .class]
      case .output: [.image]
      }
    }
  }

  private enum Place {
    case file(String)
    case template(NameTemplate)
    case archive(NPZWriter, NameTemplate)
  }

  private let modelName: String
  private var places: [(kind: Kind, place: Place)] = []
  /// For each, what was written: by the fields that it depends on, and the names in an archive.
  private var written: [(fields: Set<String>, entries: ClaimedPaths)] = []
  private var claimed: ClaimedPaths

  /// Whether the model's output is wanted.
  var savesOutput: Bool { places.contains { $0.kind == .output } }

  /// - Parameters:
  ///   - counts: how many maps are made; of images, how many inputs the network gets if `inputCount` is not given.
  ///   - claimed: the paths of the pictures.
  ///
  /// Throws `usage` for a name that would be that of several arrays, or of a file that is read, and `unwritable` if an
  /// archive cannot be created.
  init(_ options: ArrayOptions, modelName: String, _ counts: ResultCounts, inputCount: Int, claimed: inout ClaimedPaths)
    throws
  {
    self.modelName = modelName
    self.claimed = claimed
    let asked: [(Kind, String?)] = [
      (.heat, options.saveHeat), (.map, options.saveMap), (.activation, options.saveActivation),
      (.gradient, options.saveGradient), (.output, options.saveOutput),
    ]
    for (kind, path) in asked {
      guard let path else { continue }
      let own = counts.only(kind.fields, images: kind == .output ? inputCount : counts.images)
      places.append((kind, try place(path, kind, own)))
      written.append(([], ClaimedPaths(inputs: [])))
    }
    claimed = self.claimed
  }

  private func place(_ path: String, _ kind: Kind, _ counts: ResultCounts) throws -> Place {
    let place = "--save-\(kind.rawValue) \(path)"
    let fields = kind.fields.filter { $0 == .image || counts[$0] > 1 || $0 == .node && kind != .output }
    if NameTemplate.isOne(path) {
      let template = try NameTemplate(
        path.hasSuffix(".npy") || kind.isMap && VolumeOutput.isOne(path) ? path : path + ".npy",
        option: "--save-\(kind.rawValue)")
      try counts.check(template, place)
      return .template(template)
    }
    if path.hasSuffix(".npz"), !isFolder(path) {
      try claimed.claim(path)
      let separated = fields.flatMap { [NameTemplate.Piece.text("."), .field($0)] }.dropFirst()
      try createFolder(of: path)
      return .archive(try NPZWriter(path), NameTemplate(Array(separated)))
    }
    if VolumeOutput.isOne(path), !kind.isMap {
      throw GradCAMError(
        .usage, at: "\(place)", problem: "is a NIfTI file, which holds a map alone", advice: "end the name in .npy")
    }
    if isFolder(path) || !path.hasSuffix(".npy") && counts.total > 1 {
      let folder = path.hasSuffix("/") ? path : path + "/"
      let name = fields.flatMap { [NameTemplate.Piece.field($0), .text(".")] }
      return .template(NameTemplate([.text(folder)] + name + [.text("\(kind.rawValue).npy")]))
    }
    guard counts.total == 1 else {
      throw GradCAMError(
        .usage, at: "\(place)", problem: "is one file, but there are \(counts.text) arrays",
        advice: "name a folder, put fields such as {image} and {node} into the name, or end it in .npz")
    }
    try claimed.claim(path)
    return .file(path)
  }

  /// Writes what is wanted of an explanation.
  func save(_ explanation: Explanation, image: String) throws {
    let names = ResultNames(image: image, model: modelName, explanation)
    try save(names, of: explanation) { kind in
      switch kind {
      case .heat:
        let heat = explanation.drawnMap()
        return NPYArray(shape: heat.size.extents, values: heat.valuesWhereSeen)
      case .map:
        let map = explanation.rectifiedMap()
        return NPYArray(shape: map.size.extents, values: map.values)
      case .activation: return explanation.tap.map { NPYArray(shape: $0.shape, values: $0.activation) }
      case .gradient: return explanation.tap.map { NPYArray(shape: $0.shape, values: $0.gradient) }
      case .output: return nil
      }
    }
  }

  /// Writes the output of the model for an image.
  func save(_ output: Tensor, image: String) throws {
    try save(ResultNames(image: image, model: modelName), of: nil) { kind in
      kind == .output ? NPYArray(shape: output.shape.dimensions, values: output.floats) : nil
    }
  }

  /// Completes the archives.
  func finish() throws {
    for case .archive(let archive, _) in places.map(\.place) { try archive.finish() }
  }

  private func save(_ result: ResultNames, of explanation: Explanation?, _ array: (Kind) -> NPYArray?) throws {
    for (index, (kind, place)) in places.enumerated() {
      // What does not depend on the class or the method is written once.
      let fields = kind.fields.map { result[$0] }.joined(separator: "\n")
      let isRepeated = ![.heat, .map].contains(kind) && written[index].fields.contains(fields)
      guard !isRepeated, let array = array(kind) else { continue }
      func write(to path: String) throws {
        guard VolumeOutput.isOne(path), kind.isMap, let explanation else { return try array.write(to: path) }
        let map = kind == .heat ? explanation.drawnMap() : explanation.rectifiedMap()
        try writeAtomically(try explanation.encoded(map, for: path), to: path)
      }
      written[index].fields.insert(fields)
      switch place {
      case .file(let path): try write(to: path)
      case .template(let template):
        let name = template.name(result)
        try createFolder(of: name)
        try write(to: claimed.claimFree(name))
      case .archive(let archive, let template):
        try archive.add(array, named: written[index].entries.claimFree { template.name(result) + $0 })
      }
    }
  }
}

extension ResultCounts {
  /// The counts of some fields, one of each other.
  fileprivate func only(_ fields: [NameField], images: Int) -> ResultCounts {
    func count(_ field: NameField, _ count: Int) -> Int { fields.contains(field) ? count : 1 }
    return ResultCounts(
      images: images, nodes: count(.node, nodes), classes: count(.class, classes), methods: count(.method, methods))
  }
}

extension Tap {
  /// The shape of its arrays.
  fileprivate var shape: [Int] { [1, channels] + size.extents }
}
