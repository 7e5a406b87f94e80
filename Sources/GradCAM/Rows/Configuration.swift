import Graph
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What decides a map besides the image: the version, the network's files, what is asked of them, and how.
///
/// Where results are stored, and what carries them out (threads, processes, machines), is no part of it.
package struct Configuration: Equatable, Sendable {
  /// By name; what is as usual has no part.
  package private(set) var parts: [String: String]

  /// The configuration of an explainer.
  ///
  /// - Parameters:
  ///   - request: what is asked, if the explainer is asked it later; likewise the nodes, their hint and the library that
  ///     is followed.
  ///   - classes: those explained, if that is not said by what is asked of the explainer.
  ///   - inputs: the contents of inputs other than images, by name.
  ///   - files: further files that decide the results, by what they are.
  ///   - others: what else does.
  package init(
    of explainer: Explainer, asking request: TargetRequest? = nil, nodes: [String]? = nil,
    hint: FeatureMapHint? = nil, compatibility: Compatibility? = nil, classes: [String] = [],
    inputs: [String: Tensor] = [:], files: [String: [String]] = [:], others: [String] = []
  ) {
    let model = explainer.model, request = request ?? explainer.question.request
    let nodes = nodes ?? explainer.question.nodes, hint = hint ?? explainer.question.hint
    let compatibility = compatibility ?? explainer.compatibility
    var parts = [
      "version": programVersion,
      "model": Self.digest(of: model.graph.files),
      "node": (nodes.isEmpty ? ["auto"] : nodes).joined(separator: " "),
      "preprocessing": "\(explainer.preprocessingText); \(explainer.preprocessing.numbers)",
      "input": "\(model.imageShape)", "output": model.graph.values[model.head.output].name,
    ]
    func add(_ name: String, _ text: String) { if !text.isEmpty { parts[name] = text } }
    add("labels", explainer.labels.names.isEmpty ? "" : Self.digest(of: explainer.labels.names.joined(separator: "\n")))
    add("target", request.text + (classes.isEmpty ? "" : "classes \(classes)"))
    add("hint", hint == FeatureMapHint() ? "" : "\(hint)")
    add("compat", compatibility == .pytorchGradCAM ? "" : compatibility.rawValue)
    add("settings", explainer.settings.text)
    add("inputs", inputs.sorted { $0.key < $1.key }.map { "\($0) \($1.digest)" }.joined(separator: ", "))
    for (name, files) in files { add(name, files.isEmpty ? "" : Self.digest(of: files)) }
    add("others", others.sorted().joined(separator: ", "))
    self.parts = parts
  }

  /// That of a line; nil if it is none.
  package init?(_ line: String) {
    guard line.hasPrefix(#"{"configuration":{"#),
      let line = try? JSONDecoder().decode(Line.self, from: Data(line.utf8))
    else { return nil }
    parts = line.configuration
  }

  /// What messages call parts that are not plain.
  private static let texts = ["model": "contents of the model's files", "inputs": "contents of other inputs"]

  private struct Line: Codable { let configuration: [String: String] }

  /// A line of JSON that holds it.
  package func line() throws -> String { try jsonLine(Line(configuration: parts)) }

  /// 16 hexadecimal digits, the same for equal configurations: the first of the SHA-256 of the parts and the method.
  ///
  /// - Parameter method: that of the map; nil for an image that has none.
  package func fingerprint(method: String?) -> String {
    let texts = parts.sorted { $0.key < $1.key }.map { "\($0)\u{0}\($1)" } + [method ?? ""]
    return String(Self.digest(of: texts.joined(separator: "\u{0}")).prefix(16))
  }

  /// The names of the parts that another one does not have alike, with what they are there if that can be read.
  package func differences(from other: Configuration) -> [String] {
    Set(parts.keys).union(other.parts.keys).sorted().filter { parts[$0] != other.parts[$0] }.map { name in
      ["version", "node", "target"].contains(name)
        ? "the \(name) \(other.parts[name] ?? "by default")" : "other \(Self.texts[name] ?? name)"
    }
  }

  private static func digest(of text: String) -> String { FileDigest.of(Array(text.utf8)).hexadecimal }

  /// The digest of the contents of files, wherever they lie; those that do not exist are left out.
  private static func digest(of files: [String]) -> String {
    let digests = files.compactMap(KnownDigests.digest)
    return digests.count == 1 ? digests[0] : digest(of: digests.joined(separator: " "))
  }
}

/// The digests of files that were read before, so that weights are not read anew for every question.
private enum KnownDigests {
  /// What a file's digest is known by: it changes with the contents.
  private struct State: Hashable {
    let device: dev_t
    let number: ino_t
    let size: off_t
    let seconds, nanoseconds: Int
  }

  private static let known = Mutex<[State: String]>([:])

  /// Nil if there is no such file, or if it cannot be read.
  static func digest(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let state = State(
      device: status.st_dev, number: status.st_ino, size: status.st_size, seconds: status.st_mtim.tv_sec,
      nanoseconds: status.st_mtim.tv_nsec)
    if let digest = known.withLock({ $0[state] }) { return digest }
    let digest = FileDigest.ofFile(path)?.hexadecimal
    known.withLock { $0[state] = digest }
    return digest
  }
}

extension Tensor {
  /// The digest of type, shape and contents.
  fileprivate var digest: String {
    var digest = FileDigest()
    digest.add(Array("\(elementType) \(shape)".utf8))
    digest.add(UnsafeRawBufferPointer(start: storage.base, count: byteCount))
    return digest.hexadecimal
  }
}

extension Preprocessing {
  /// What its text rounds or leaves out.
  fileprivate var numbers: String {
    "mean \(mean), std \(std), range \(range), \(channels.rawValue), \(interpolation.rawValue)"
  }
}

extension TargetRequest {
  /// What is asked, with the contents of files by their digests; empty for the top class.
  fileprivate var text: String {
    func file(_ path: String?) -> String? {
      path.map { pictures[$0].map { FileDigest.of($0.pixels).hexadecimal } ?? FileDigest.ofFile($0)?.hexadecimal ?? $0 }
    }
    let settings: [(String, String?)] = [
      ("class", classes.isEmpty ? nil : "\(classes)"), ("top", top.map(String.init)),
      ("score", score == .logit ? nil : score.rawValue), ("mask", file(mask)), ("contrast", contrast),
      ("target", elements), ("detection", detection.map(String.init)), ("boxes-of", boxesOf),
      ("iou", overlap.map { "\($0)" }), ("columns", columns.isEmpty ? nil : "\(columns)"),
      ("embedding", file(embedding)), ("counterfactual", isCounterfactual ? "yes" : nil),
    ]
    return settings.compactMap { name, text in text.map { "\(name) \($0)" } }.joined(separator: ", ")
  }
}

extension MethodSettings {
  /// What is not as usual; empty if all is.
  fileprivate var text: String {
    let usual = MethodSettings()
    let settings: [(String, String?)] = [
      ("concepts", conceptCount == usual.conceptCount ? nil : "\(conceptCount)"), ("baseline", baseline.text),
      ("steps", steps == usual.steps ? nil : "\(steps)"), ("window", window.map { "\($0)" }),
      ("stride", stride.map { "\($0)" }), ("masks", maskCount == usual.maskCount ? nil : "\(maskCount)"),
      ("signed", isSigned ? "yes" : nil),
    ]
    return settings.compactMap { name, text in text.map { "\(name) \($0)" } }.joined(separator: ", ")
  }
}

extension Baseline {
  /// Nil for 0.
  fileprivate var text: String? {
    switch self {
    case .zero: nil
    case .mean: "mean"
    case .blur: "blur"
    case .images(let tensors): tensors.map(\.digest).joined(separator: " ")
    }
  }
}
