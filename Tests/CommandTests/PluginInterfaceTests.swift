import Foundation
import TestSupport
import Testing

/// The interface stays what it was: a header of each version is kept beside a plugin that was written for it.
struct PluginInterfaceTests {
  private let workplace: Workplace
  private let model = fixture("plugin-v1/mix.onnx"), picture = fixture("disc.png")
  private let library: String

  init() throws {
    workplace = try Workplace()
    library = try PluginLibraries.compile(
      "plugin-v1/plugin.c", include: fixture("plugin-v1"), to: workplace.path("v1.so"))
  }

  @Test func aPluginOfVersion1StillWorks() throws {
    for threads in ["1", "3"] {
      let outcome = try workplace.succeed(
        "verify", model, picture, "--plugin", library, "--node", "conv", "--node", "mix", "--target",
        "v1-first(logits[0,:], -2.5)", "--threads", threads, "--json")
      #expect(outcome.errors == "gradcam: plugin 'v1.so': speaks version 1\n")
      let nodes = try #require(outcome.json([String: Any].self)["nodes"] as? [[String: Any]])
      #expect(nodes.map { $0["verdict"] as? String } == ["agrees", "agrees"])
    }
    let unsupported = try workplace.run(
      ["explain", model, picture, "--plugin", library, "--target", "v1-first(logits, 1)"])
    #expect(unsupported.code == 69 && unsupported.errors.contains("': takes one row of scores"))
  }

  @Test func itComputesWhatItDid() throws {
    func values(_ node: String, _ method: String) throws -> (a: [Float], g: [Float], map: [Float]) {
      _ = try workplace.succeed(
        "explain", model, picture, "--plugin", library, "--node", node, "--class", "0", "--method", method,
        "--output", "map.png", "--save-activation", "a.npy", "--save-gradient", "g.npy", "--save-map", "m.npy")
      return (
        try workplace.array("a.npy").values, try workplace.array("g.npy").values, try workplace.array("m.npy").values
      )
    }
    let conv = try values("conv", "v1-map"), mix = try values("mix", "v1-weights")
    let plane = conv.a.count / 8
    let mixed = conv.a.indices.map { index -> Float in
      (conv.a[index] * 2 * 0.5 + Float(index / plane) / 8 + 0.25) * -1.5
    }
    expectClose(mix.a, mixed)
    expectClose(conv.g, mix.g.map { $0 * -1.5 }, within: 1e-6)
    expectClose(conv.map, (0..<plane).map { conv.a[$0] * conv.g[$0] }, within: 1e-6)
    let sums = (0..<plane).map { position -> Float in
      let sum = (0..<8).reduce(Float(0)) { $0 + mix.g[$1 * plane] * mix.a[$1 * plane + position] }
      return max(0, sum)
    }
    expectClose(mix.map, sums)
  }

  @Test func theHeaderHasOnlyGrown() throws {
    let first = try Header(fixture("plugin-v1/gradcam_plugin.h"))
    let current = try Header(ofPackage("Sources/CGradCAMPlugin/include/gradcam_plugin.h"))
    #expect(first.structures.count == 11)
    var hasGrown = false
    for (name, members) in first.structures {
      let now = try #require(current.structures[name], "\(name) is gone")
      #expect(now.prefix(members.count) == members[...], "\(name) is not what it was")
      #expect(members.first == "size_t size")
      hasGrown = hasGrown || now.count > members.count
    }
    for (name, value) in first.constants where name != "GRADCAM_ABI_VERSION" {
      #expect(current.constants[name] == value, "\(name)")
    }
    #expect(current.entry == first.entry)
    let version = try #require(current.constants["GRADCAM_ABI_VERSION"].flatMap { Int($0) })
    #expect(first.constants["GRADCAM_ABI_VERSION"] == "1")
    #expect(hasGrown ? version > 1 : version >= 1, "a header that has grown has a higher version")
  }

  /// What of a header decides how programs are compiled.
  private struct Header {
    /// The members of every structure, in order.
    var structures: [String: [String]] = [:]
    var constants: [String: String] = [:]
    /// The declaration of the entry function.
    let entry: String

    init(_ path: String) throws {
      let text = try String(contentsOfFile: path, encoding: .utf8).replacing(/\/\*[\s\S]*?\*\//, with: "")
      func normal(_ part: Substring) -> String { part.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
      for found in text.matches(of: /typedef struct (\w+) \{([^}]*)\}/) {
        structures[String(found.1)] = found.2.split(separator: ";").map(normal).filter { !$0.isEmpty }
      }
      for found in text.matches(of: /#define (GRADCAM_\w+) (\d+)/) { constants[String(found.1)] = String(found.2) }
      entry = normal(try #require(text.firstMatch(of: /GRADCAM_EXPORT const[^;]*;/)).0)
    }
  }
}
