import GradCAM
import Graph

/// Gathers how the results of a run come about.
///
/// Every file is digested once: those of models, which may be large, on a thread of its own from the start, others when
/// they are first needed.
final class ProvenanceRecorder {
  private let modelFolder: String
  private let models: Background<[Provenance.File]>
  private var images: [String]
  private let plugins, others: [String]
  private let threads: Int
  private let cpu = Provenance.CPU.current
  private var digests: [String: Provenance.File] = [:]
  private var results: [Provenance.Result] = []

  /// Prepares a recorder; from now on, what is written is digested.
  ///
  /// - Parameters:
  ///   - models: the files of the models.
  ///   - others: further files that are read.
  ///   - threads: how many are used.
  ///
  /// Throws `unreadable` if a folder of plugins cannot be listed.
  init(_ host: HostOptions, models: [String], images: [String], others: [String], threads: Int) throws {
    modelFolder = host.modelFolder.path
    let paths = models.withoutRepeats
    self.models = Background { paths.map { Provenance.File($0) } }
    (self.images, self.others) = (images.withoutRepeats, others.withoutRepeats)
    plugins = try host.plugins.paths()
    self.threads = threads
    OutputFiles.isRecording = true
  }

  /// Adds images that are read.
  func read(_ images: [String]) { self.images += images.last == self.images.last ? [] : images }

  /// Adds what is known of results.
  func add(_ results: [Provenance.Result]) { self.results += results }

  /// The provenance of a part of the results.
  ///
  /// - Parameters:
  ///   - arguments: those that make this part alone.
  ///   - images: the images that it is of.
  ///   - outputs: the paths of its files; those that are not complete are left out.
  func part(arguments: [String] = ThisRun.arguments, images: [String], outputs: [String] = []) -> Provenance {
    provenance(
      arguments, images, results: nil, outputs: outputs.compactMap(OutputFiles.written(to:)), timed: [])
  }

  /// The provenance of results of all images; see `part`.
  func ofAllImages(outputs: [String]) -> Provenance { part(images: images.withoutRepeats, outputs: outputs) }

  /// The provenance of all results.
  ///
  /// - Parameter timed: the paths of files that hold measured times.
  func whole(timed: [String] = []) -> Provenance {
    provenance(
      ThisRun.arguments, images.withoutRepeats, results: results, outputs: OutputFiles.written, timed: timed)
  }

  /// The size and the digest of a file.
  func file(_ path: String) -> Provenance.File {
    if let known = digests[path] { return known }
    let file = Provenance.File(path)
    digests[path] = file
    return file
  }

  private func provenance(
    _ arguments: [String], _ images: [String], results: [Provenance.Result]?, outputs: [OutputFiles.Written],
    timed: [String]
  ) -> Provenance {
    let inputs = Provenance.Inputs(
      models: models.value, images: images.map(file), plugins: plugins.map(file), others: others.map(file))
    let written = outputs.map { each in
      Provenance.Output(
        path: each.path, bytes: each.digest.byteCount, sha256: each.digest.hexadecimal,
        timed: timed.contains(each.path))
    }
    return Provenance(
      version: programVersion, arguments: arguments, directory: ThisRun.directory, model_folder: modelFolder,
      threads: threads, cpu: cpu, inputs: inputs, results: results, outputs: written)
  }
}

/// The arguments of a run that are about one picture alone.
struct PictureArguments {
  private typealias Placed = (position: Int, argument: String)

  /// Those about all pictures.
  private let common: [Placed]
  /// By picture, those that only name its file.
  private let own: [String: [Placed]]

  /// - Parameter pictures: the arguments that name pictures, or folders of them.
  init(_ arguments: [String], pictures: [String]) {
    // The same text may be the value of an option.
    var counts: [String: Int] = [:]
    for argument in arguments { counts[argument, default: 0] += 1 }
    for picture in pictures { counts[picture, default: 0] -= 1 }
    let names = Set(pictures.filter { counts[$0] == 0 && !isFolder($0) })
    let placed = arguments.enumerated().map { (position: $0, argument: $1) }
    common = placed.filter { !names.contains($0.argument) }
    own = Dictionary(grouping: placed.filter { names.contains($0.argument) }) { $0.argument }
  }

  /// The arguments without the names of other pictures.
  func naming(only picture: String) -> [String] {
    (common + (own[picture] ?? [])).sorted { $0.position < $1.position }.map(\.argument)
  }
}
