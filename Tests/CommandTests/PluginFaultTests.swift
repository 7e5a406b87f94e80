import Foundation
import Testing

/// What becomes of plugins that are wrong: one error each that names the plugin and, where there is one, the node.
struct PluginFaultTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    let name: String
    let code: Int32
    let says: [String]
    var arguments: [String] = []

    var testDescription: String { name }
  }

  private static let node = "node '/clip", plugin = "plugin 'faulty': "
  private static let method = ["--method", "flat"]

  /// Found when a library is loaded.
  private static let whenLoaded = [
    Fault(name: "NEWER", code: 69, says: ["built for version 3 of the plugin interface", "has version 2"]),
    Fault(name: "OLDER_THAN_ALL", code: 65, says: ["declares version 0"]),
    Fault(name: "NULL_TABLE", code: 65, says: ["returns no table"]),
    Fault(name: "REFUSING_ENTRY", code: 69, says: ["plugin 'library.so': this processor is too old"]),
    Fault(name: "SMALL_TABLE", code: 65, says: ["its plugin table declares a size of 64 bytes", "has 88"]),
    Fault(name: "NO_FORWARD", code: 65, says: ["operator example.SoftClip has no forward function"]),
    Fault(name: "BOTH_FORMS", code: 65, says: ["method 'flat' has both of the functions map and weights"]),
    Fault(name: "HALF_TARGET", code: 65, says: ["target 'first' lacks its score or its gradient function"]),
    Fault(name: "OPERATOR_TWICE", code: 65, says: ["provides operator example.SoftClip of version 1 twice"]),
    Fault(name: "TWICE", code: 65, says: ["plugin 'faulty'", "provides CAM method flat twice"]),
  ]

  /// Found when a model is planned or runs.
  private static let whenUsed = [
    Fault(name: "UNREAD_ATTRIBUTE", code: 69, says: [node, plugin, "attribute 'limit' is not known"]),
    Fault(name: "FAILING_CREATE", code: 65, says: [node, plugin, "limit is not to my taste"]),
    Fault(name: "INTEGERS_ONLY", code: 69, says: [node, plugin, "input 0 is float32", "it takes int64"]),
    Fault(name: "FAILING_SHAPE", code: 65, says: [node, plugin, "shapes are not my trade"]),
    Fault(name: "SILENT_SHAPE", code: 65, says: [node, plugin, "shape function failed with status 7"]),
    Fault(name: "NO_OUTPUT", code: 65, says: [node, plugin, "does not set output 0"]),
    Fault(name: "EXTRA_OUTPUT", code: 65, says: [node, plugin, "sets output 1 of a node that has 1"]),
    Fault(name: "NEGATIVE_SHAPE", code: 65, says: [node, plugin, "output 0", "the shape 1×-1×16×16 is impossible"]),
    Fault(name: "HUGE_SHAPE", code: 65, says: [node, plugin, "output 0", "too large for a tensor"]),
    Fault(
      name: "CHANGING_SHAPE", code: 65,
      says: [node, plugin, "float32 1×8×16×16 for output 0 first", "1×9×16×16 for the same"]),
    Fault(name: "SMALL_SHAPE", code: 65, says: [node, plugin, "past the end of output 0", "declared 1920 elements"]),
    Fault(name: "LONG_FORWARD", code: 65, says: [node, plugin, "past the end of output 0", "declared 2048 elements"]),
    Fault(name: "FAILING_FORWARD", code: 65, says: [node, plugin, "no forward today"]),
    Fault(name: "UNSUPPORTED_FORWARD", code: 69, says: [node, plugin, "no such picture"]),
    Fault(name: "SILENT_FORWARD", code: 65, says: [node, plugin, "forward function failed with status 3"]),
    Fault(name: "ATTRIBUTE_IN_FORWARD", code: 65, says: [node, plugin, "outside its create function"]),
    Fault(name: "LONG_SCRATCH", code: 65, says: [node, plugin, "past the end of its scratch memory"]),
    Fault(name: "ENDLESS_SCRATCH", code: 65, says: [node, plugin, "bytes of scratch memory, more than available"]),
    Fault(name: "NO_VJP", code: 69, says: [node, "example.SoftClip of plugin 'faulty' has no gradient"]),
    Fault(name: "FAILING_VJP", code: 65, says: [node, plugin, "no way back"]),
    Fault(name: "LONG_VJP", code: 65, says: [node, plugin, "past the end of the gradient of input 0"]),
    Fault(name: "FAILING_METHOD", code: 65, says: [plugin, "method 'flat': nothing to see"], arguments: method),
    Fault(
      name: "LONG_METHOD", code: 65, says: [plugin, "method 'flat': its function wrote more than 256"],
      arguments: method),
    Fault(
      name: "FAILING_TARGET", code: 65, says: [plugin, "target 'first': no number"],
      arguments: ["--target", "first()"]),
  ]

  private let workplace: Workplace
  private let picture = fixture("disc.png")

  init() throws { workplace = try Workplace() }

  private func explain(_ fault: String, _ arguments: [String], flags: String = "-DUSED") throws -> Workplace.Outcome {
    let library = try PluginLibraries.compile(
      "plugins/faulty.c", "-DFAULT=\(fault)", flags, to: workplace.path("library.so"))
    return try workplace.run(
      ["explain", ofPackage("examples/plugins/soft-clip.onnx"), picture, "--node", "conv1", "--plugin", library]
        + arguments)
  }

  private func expect(_ outcome: Workplace.Outcome, _ fault: Fault) {
    let lines = outcome.errors.split(separator: "\n").filter { !$0.hasSuffix(": is loaded") }
    #expect(outcome.code == fault.code, "\(outcome.errors)")
    #expect(lines.count == 1 && lines.first?.hasPrefix("gradcam: error: ") == true, "\(outcome.errors)")
    for text in fault.says { #expect(outcome.errors.contains(text), "\(outcome.errors)") }
    #expect(workplace.files == ["library.so"])
  }

  @Test(arguments: whenLoaded)
  func faultsOfTablesAreNamed(_ fault: Fault) throws {
    let outcome = try explain(fault.name, [])
    expect(outcome, fault)
    #expect(outcome.errors.contains("library.so"))
  }

  @Test(arguments: whenUsed)
  func faultsOfFunctionsAreNamed(_ fault: Fault) throws { expect(try explain(fault.name, fault.arguments), fault) }

  @Test func withoutAFaultItWorks() throws {
    for arguments in [[], ["--method", "flat"], ["--target", "first()"]] {
      let outcome = try explain("NONE", arguments)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("gradcam: plugin 'library.so': is loaded\n"))
    }
  }

  @Test func theNodeOfTheFirstNaNIsNamedWithThePlugin() throws {
    for (fault, place) in [
      ("NAN_FORWARD", "they first appear at node '/clip1/SoftClip' (example.SoftClip"),
      ("NAN_VJP", "they first appear in the gradient that node '/clip2/SoftClip' (example.SoftClip"),
    ] {
      let outcome = try explain(fault, [])
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains(place), "\(outcome.errors)")
      #expect(outcome.errors.contains("of plugin 'faulty'"), "\(outcome.errors)")
    }
  }

  @Test func whatIsNoPluginIsNamed() throws {
    func load(_ path: String) throws -> Workplace.Outcome { try workplace.run(["plugins", "--plugin", path]) }
    let missing = try load("nowhere.so")
    #expect(missing.code == 66 && missing.errors.hasPrefix("gradcam: error: nowhere.so: cannot be opened"))
    // The C library of the system, which a loader finds by its name alone.
    #expect(try load("libm.so.6").code == 66)
    let text = try load(picture)
    #expect(text.code == 65 && text.errors.contains("disc.png: is not a library that can be loaded"))
    let other = try PluginLibraries.compile(
      "plugins/faulty.c", "-DFAULT=NONE", "-DHIDES_ENTRY", to: workplace.path("other.so"))
    let outcome = try load(other)
    #expect(outcome.code == 65 && outcome.errors.contains("other.so: has no function gradcam_plugin_entry"))
    let folder = try workplace.run(["plugins", "--plugin-dir", "nowhere"])
    #expect(folder.code == 66 && folder.errors.contains("--plugin-dir nowhere: is not a folder"))
  }

  /// Opening a pipe would wait for someone who writes to it.
  @Test func pipesAreNoPlugins() throws {
    let place = try Workplace()
    #expect(mkfifo(place.path("pipe.so"), 0o600) == 0)
    for arguments in [["--plugin", "pipe.so"], ["--plugin-dir", "."]] {
      let outcome = try place.run(["plugins"] + arguments)
      #expect(outcome.code == 66 && outcome.errors.contains("pipe.so: is not a regular file"), "\(outcome.errors)")
    }
  }
}
