import CProtection
import Foundation
import GradCAM
import Testing

/// `gradcam rerun` makes the same bytes again, or says what differs; and does nothing else that a file tells it to.
struct RerunTests {
  private let place: Workplace
  private let outside: Workplace

  init() throws {
    (place, outside) = (try Workplace(), try Workplace())
    try FileManager.default.createDirectory(atPath: place.path("photos"), withIntermediateDirectories: false)
    for name in ["pair-006-star-cross.png", "single-003-star.png"] {
      try FileManager.default.copyItem(atPath: shipped("samples/\(name)"), toPath: place.path("photos/\(name)"))
    }
    try FileManager.default.copyItem(atPath: shipped("shapes-vgg.onnx"), toPath: place.path("model.onnx"))
  }

  private typealias Object = [String: Any]

  private func explain(_ more: String...) throws {
    #expect(try place.run(["explain", "model.onnx", "photos", "--provenance", "p.json"] + more).code == 0)
  }

  /// Changes what the file of a run says.
  private func change(_ change: (inout Object) -> Void) throws {
    let url = place.folder.appendingPathComponent("p.json")
    var object = try #require(try JSONSerialization.jsonObject(with: try Data(contentsOf: url)) as? Object)
    change(&object)
    try JSONSerialization.data(withJSONObject: object).write(to: url)
  }

  /// The contents of all files of a workplace.
  private func contents(_ place: Workplace) throws -> [String: Data] {
    var all: [String: Data] = [:]
    for file in place.files { all[file] = (try? place.contents(file)) ?? Data() }
    return all
  }

  @Test(arguments: [
    "explain model.onnx photos --method fast --save-heat heat.npz --save-map maps/ --sheet sheet.png --output out --quiet",
    "explain model.onnx photos/single-003-star.png --json --output {image}/{method}.jpg",
    "sweep model.onnx photos/single-003-star.png --output sweep.png",
    "compare model.onnx \(shipped("shapes-resnet.onnx")) photos --metric none --report page.html --csv table.csv",
    "evaluate model.onnx photos --metric average-drop",
    "evaluate model.onnx photos --metric average-drop --output table.csv --threads 1",
  ])
  func sameBytes(_ command: String) throws {
    let arguments = command.split(separator: " ").map(String.init) + ["--provenance", "p.json"]
    #expect(try place.run(arguments).code == 0)
    let before = try contents(place)
    let outcome = try outside.run(["rerun", place.path("p.json")])
    #expect(outcome.code == 0 && outcome.output.contains("The same: "), "\(outcome)")
    #expect(outcome.output.contains("page.html: holds measured times") == command.contains("page.html"))
    #expect(!outcome.output.contains("{"), "what the run prints is not printed again")
    #expect(try contents(place) == before && outside.files.isEmpty)
  }

  @Test func outputsInAFolder() throws {
    try explain("--output", place.path("photos/../maps/{image}.png"), "--save-heat", outside.path("heat.npz"))
    let heat = try outside.contents("heat.npz"), before = try contents(place)
    try FileManager.default.removeItem(atPath: outside.path("heat.npz"))
    let report = try outside.run(["rerun", place.path("p.json"), "--output", "again", "--json"]).json(Object.self)
    #expect(report["same"] as? Bool == true && (report["outputs"] as? [Object])?.count == 3)
    #expect(try contents(place) == before)
    for name in ["pair-006-star-cross.png", "single-003-star.png"] {
      #expect(try outside.contents("again/maps/\(name)") == place.contents("maps/\(name)"))
    }
    // What lay outside of the directory of the run has its whole path.
    let copy = outside.path("again") + outside.folder.path + "/heat.npz"
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == heat)
    let taken = try outside.run(["rerun", place.path("p.json"), "--output", "again"])
    #expect(taken.code == 64 && taken.errors.contains("is not empty"), "\(taken)")
  }

  @Test func inputsThatDiffer() throws {
    try explain()
    let picture = place.folder.appendingPathComponent("photos/single-003-star.png")
    let whole = try Data(contentsOf: picture)
    try (whole + [0]).write(to: picture)
    let longer = try place.run(["rerun", "p.json"])
    #expect(longer.code == 1 && longer.output.contains("photos/single-003-star.png: is not what it was"), "\(longer)")
    var changed = whole
    changed[changed.count / 2] ^= 1
    try changed.write(to: picture)
    let other = try place.run(["rerun", "p.json", "--json"])
    let inputs = try #require(try other.json(Object.self)["inputs"] as? [[String: String]])
    #expect(other.code == 1 && inputs == [["path": "photos/single-003-star.png", "change": "differs"]])
    try FileManager.default.removeItem(at: picture)
    let missing = try place.run(["rerun", "p.json"])
    #expect(missing.code == 66 && missing.errors.contains("single-003-star.png: cannot be read"), "\(missing)")
    try whole.write(to: picture)
    try Data(#"{"gradcam.preset": "raw"}"#.utf8).write(to: place.folder.appendingPathComponent("model.json"))
    let new = try place.run(["rerun", "p.json"])
    #expect(new.code == 1 && new.output.contains("model.json: was not there, and is now read"), "\(new)")
  }

  /// What else is not as it was is only named if the outputs differ.
  @Test func outputsThatDiffer() throws {
    try explain("--output", "map-{image}.png")
    try change { run in
      run["version"] = "0.0.1"
      run["cpu"] = ["name": "Z80", "instructions": "none", "blas": "by hand"]
    }
    let same = try place.run(["rerun", "p.json"])
    #expect(same.code == 0 && !same.output.contains("Z80"), "\(same)")
    try change { run in
      var outputs = run["outputs"] as! [Object]
      outputs[1]["sha256"] = String(repeating: "0", count: 64)
      run["outputs"] = outputs
    }
    try FileManager.default.copyItem(
      atPath: place.path("photos/single-003-star.png"), toPath: place.path("photos/z.png"))
    let other = try place.run(["rerun", "p.json"])
    #expect(other.code == 1)
    for text in [
      "map-pair-006-star-cross.png: the same", "map-single-003-star.png: differs", "map-z.png: was not written then",
      "the processor was Z80", "gradcam was 0.0.1, and is \(programVersion)", "photos/z.png was not read, and is",
      "2 outputs of 3 differ",
    ] { #expect(other.output.contains(text), "\(text): \(other)") }
    #expect(!place.files.contains("map-z.png"))
  }

  @Test func anotherDirectory() throws {
    try explain()
    try FileManager.default.moveItem(atPath: place.path("photos"), toPath: outside.path("photos"))
    try FileManager.default.moveItem(atPath: place.path("model.onnx"), toPath: outside.path("model.onnx"))
    #expect(try place.run(["rerun", "p.json"]).code == 66)
    let outcome = try place.run(["rerun", "p.json", "--directory", outside.folder.path])
    #expect(outcome.code == 0, "\(outcome)")
    try change { $0["directory"] = "/nowhere" }
    let gone = try place.run(["rerun", "p.json"])
    #expect(gone.code == 66 && gone.errors.contains("/nowhere") && gone.errors.contains("--directory"), "\(gone)")
  }

  // MARK: Files that are not to be trusted

  @Test(arguments: [
    ["plugins", "--plugin", "evil.so"], ["check", "."], ["rerun", "p.json"], ["---completion", "explain"], [], [""],
    ["--help"], ["explain", "--help"], ["explain", "model.onnx", "photos", "--no-such-option"],
    ["explain", "model.onnx", "photos\0x"], ["help", "explain"],
    ["preprocess", "model.onnx", "photos", "--write", "raw"],
  ])
  func otherCommandsAreNotRun(_ arguments: [String]) throws {
    try explain("--output", "maps")
    try change { $0["arguments"] = arguments }
    let before = try contents(place)
    let outcome = try place.run(["rerun", "p.json"])
    #expect(outcome.code == 65 && outcome.output.isEmpty, "\(outcome)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(try contents(place) == before)
  }

  @Test(arguments: ["", "{}", "[]", "nonsense", #"{"arguments": ["explain"]}"#, String(repeating: "[", count: 100_000)])
  func filesThatAreNone(_ text: String) throws {
    try Data(text.utf8).write(to: place.folder.appendingPathComponent("p.json"))
    let outcome = try place.run(["rerun", "p.json"])
    #expect(outcome.code == 65 && outcome.errors.contains("p.json: "), "\(outcome)")
    #expect(try place.run(["rerun", "none.json"]).code == 66)
  }

  /// Whatever paths the file names, outputs lie in the folder that the user names, or nowhere.
  @Test(arguments: ["--sandbox=auto", "--sandbox=off"])
  func nothingIsWrittenElsewhere(_ sandbox: String) throws {
    try explain("--output", "maps")
    let far = outside.path("far"), up = "../\(outside.folder.lastPathComponent)/up"
    for (option, path) in [
      ("--output", "\(far)/a/"), ("--output", "\(up)/{image}.png"), ("--sheet", outside.path("s.png")),
    ] {
      try change { run in
        run["arguments"] = [
          "explain", "model.onnx", "photos", option, path, "--save-heat", "\(up).npz", "--save-map",
          "\(far)/{image}.npy",
          "--provenance", outside.path("p.json"), "--sandbox", "off",
        ]
      }
      let before = try contents(place)
      #expect(try place.run(["rerun", "p.json", sandbox]).code == 1)
      #expect(try outside.files.isEmpty && contents(place) == before)
      #expect(try place.run(["rerun", "p.json", sandbox, "--output", "again"]).code == 1)
      #expect(outside.files.isEmpty && place.files.contains { $0.hasPrefix("again/") })
      try FileManager.default.removeItem(atPath: place.path("again"))
      #expect(try contents(place) == before)
    }
  }

  /// A file cannot load a plugin, nor raise a limit or leave the sandbox.
  @Test func whatOnlyTheUserAllows() throws {
    let library = try PluginLibraries.compile(
      "plugins/confined.c", #"-DSECRET="\#(outside.path("secret"))""#, to: place.path("evil.so"))
    try explain("--output", "maps")
    let arguments = ["explain", "model.onnx", "photos", "--output", "maps"]
    // Without a word about a plugin, it is left out.
    for option in [["--plugin", library], ["--plugin=evil.so"], ["--plugin-dir", "."]] {
      try change { $0["arguments"] = arguments + option }
      let outcome = try place.run(["rerun", "p.json"])
      #expect(outcome.code == 0 && !outcome.errors.contains("reads"), "\(outcome)")
    }
    // If the file says that there was one, the user must give it.
    try change { run in
      var inputs = run["inputs"] as! Object
      inputs["plugins"] = [["path": library, "bytes": 1, "sha256": "x"]]
      run["inputs"] = inputs
    }
    let asked = try place.run(["rerun", "p.json"])
    #expect(asked.code == 64 && asked.errors.contains("--plugin \(library)") && !asked.errors.contains("reads"))
    let other = try place.run(["rerun", "p.json", "--plugin", "evil.so"])
    #expect(other.code == 1 && other.output.contains("evil.so: is not what it was"), "\(other)")
    try change { run in
      var inputs = run["inputs"] as! Object
      inputs["plugins"] = [Object]()
      run["inputs"] = inputs
    }
    #expect(try place.run(["rerun", "p.json", "--plugin", "evil.so"]).errors.contains("reads 0"))

    for option in [["--memory-limit", "900G"], ["--max-pixels", "1000000000000"]] {
      try change { $0["arguments"] = arguments + option }
      let refused = try place.run(["rerun", "p.json"])
      #expect(refused.code == 64 && refused.errors.contains(option[0]), "\(refused)")
      #expect(try place.run(["rerun", "p.json"] + option).code == 0)
    }
  }

  /// A variable with a relative path means the library in the user's directory, not in that of the file.
  @Test func pluginsOfTheEnvironment() throws {
    try explain("--output", "maps")
    let plugin = try PluginLibraries.example("soft-clip")
    try FileManager.default.copyItem(atPath: plugin, toPath: outside.path("p.so"))
    _ = try PluginLibraries.compile(
      "plugins/confined.c", #"-DSECRET="\#(outside.path("secret"))""#, to: place.path("p.so"))
    let outcome = try outside.run(["rerun", place.path("p.json")], environment: ["GRADCAM_PLUGINS": "p.so"])
    #expect(outcome.code == 0 && !outcome.errors.contains("reads"), "\(outcome)")
  }

  @Test func aPluginThatTheUserGives() throws {
    let plugin = try PluginLibraries.example("soft-clip")
    try explain("--plugin", plugin)
    let without = try place.run(["rerun", "p.json"])
    #expect(without.code == 64 && without.errors.contains("--plugin \(plugin)"), "\(without)")
    let with = try place.run(["rerun", "p.json", "--plugin", plugin])
    #expect(with.code == 0, "\(with)")
  }

  @Test(.enabled(if: sandbox_version() > 0)) func theSandboxIsTheUsers() throws {
    try FileManager.default.copyItem(atPath: fixture("undescribed.onnx"), toPath: place.path("model.onnx.x"))
    try FileManager.default.removeItem(atPath: place.path("model.onnx"))
    try FileManager.default.moveItem(atPath: place.path("model.onnx.x"), toPath: place.path("model.onnx"))
    try Data("circle\nsquare\nstar\n".utf8).write(to: outside.folder.appendingPathComponent("secret.txt"))
    let sidecar = #"{"preset": "raw", "labels": "\#(outside.path("secret.txt"))"}"#
    try Data(sidecar.utf8).write(to: place.folder.appendingPathComponent("model.json"))
    try explain("--sandbox", "off", "--output", "maps")
    let confined = try place.run(["rerun", "p.json"])
    #expect(confined.code == 66 && confined.errors.contains("--sandbox off"), "\(confined)")
    #expect(try place.run(["rerun", "p.json", "--sandbox", "off"]).code == 0)
  }
}
