import Foundation
import GradCAM
import Testing

/// The examples of libgradcam, run as programs of their own.
struct EmbeddingTests {
  private static let library = Workplace.built("libGradCAMShared.so").path
  private static let compilers = ["cc", "clang"].compactMap(Workplace.found)

  private let model = shipped("shapes-resnet.onnx"), picture = shipped("samples/pair-006-star-cross.png")
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func runPython(_ arguments: String...) throws -> Workplace.Outcome {
    try runPython([ofPackage("examples/python/heat_map.py")] + arguments)
  }

  private func runPython(_ arguments: [String]) throws -> Workplace.Outcome {
    try place.run(
      arguments, program: #require(Workplace.python),
      environment: [
        "LIBGRADCAM": Self.library, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ofPackage("examples/python"),
      ])
  }

  @Test(.enabled(if: Workplace.hasNumPy, "needs python3 with numpy"))
  func pythonsMapIsTheProgramsOwn() throws {
    let outcome = try runPython(model, picture, "heat.npy", "map.npy")
    #expect(outcome.code == 0 && outcome.output.contains("cross, seen at layer3.0.relu"), "\(outcome)")
    _ = try place.succeed("explain", model, picture, "--save-map", "program.npy")
    #expect(try place.array("map.npy") == place.array("program.npy"))
    let original = try Picture(contentsOf: picture), heat = try place.array("heat.npy")
    #expect(heat.shape == [original.height, original.width])
    #expect(heat.values.min() == 0 && heat.values.max()! > 0.99)
    let drawn = HeatMap(width: original.width, height: original.height, values: heat.values)
    try DrawingStyle.overlay.draw(drawn, on: original).write(to: place.path("python.png"))
    #expect(
      try place.picture("python.png") == place.picture("pair-006-star-cross.shapes-resnet.layer3.0.relu.gradcam.png"))
  }

  @Test(.enabled(if: Workplace.hasNumPy, "needs python3 with numpy"))
  func pythonGetsErrors() throws {
    let outcome = try runPython("missing.onnx", picture, "heat.npy")
    #expect(outcome.code == 1 && outcome.errors.hasPrefix("missing.onnx: cannot be opened"))
    #expect(place.files.isEmpty)
  }

  /// The example of docs/embedding.md, with NumPy and without: two classes at three nodes are the program's own maps.
  @Test(.enabled(if: Workplace.python != nil, "needs python3"), arguments: [false, true])
  func pythonsClassExplainsClassesAtNodes(withNumPy: Bool) throws {
    if withNumPy, !Workplace.hasNumPy { return }
    let page = try String(contentsOfFile: ofPackage("docs/embedding.md"), encoding: .utf8)
    let example = String(try #require(page.firstMatch(of: /```python\n([\s\S]*?)```/)).1)
    try FileManager.default.createSymbolicLink(atPath: place.path("models"), withDestinationPath: shipped(""))
    let hidden = withNumPy ? "" : "import sys; sys.modules['numpy'] = None\n"
    let outcome = try runPython(["-c", hidden + example])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
    let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    try #require(lines.count == 6)
    for (line, (node, label)) in zip(
      lines, ["layer1.0.relu", "layer2.0.relu", "auto"].flatMap { node in ["star", "cross"].map { (node, $0) } })
    {
      let report = try #require(
        try place.succeed(
          "explain", model, picture, "--node", node, "--class", label, "--output", "program.png", "--json"
        ).json([[String: Any]].self).first)
      let name = try #require(report["node"] as? String), probability = try #require(report["probability"] as? Double)
      #expect(line[0] == name && line[1] == label)
      #expect(abs(try #require(Double(line[2])) - probability) < 1e-3)
      #expect(try place.picture("\(name)-\(label).png") == place.picture("program.png"))
    }
  }

  @Test(.enabled(if: Workplace.python != nil, "needs python3"))
  func pythonsClassTellsWhatIsWrong() throws {
    func run(_ line: String) throws -> String {
      let script = """
        from gradcam import Error, Model
        try:
            model = Model(r"\(model)")
            \(line)
        except Exception as error:
            print(type(error).__name__, getattr(error, "code", "-"), error)
        """
      let outcome = try runPython(["-c", script])
      #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
      return outcome.output
    }
    #expect(try run("Model('missing.onnx')").hasPrefix("Error 66 missing.onnx: cannot be opened"))
    #expect(try run("model.explain(r'\(picture)', classes='dog')").hasPrefix("Error 64 class_name 'dog'"))
    #expect(try run("model.explain(r'\(picture)', nodes=['nowhere'])").contains("node 'nowhere'"))
    #expect(try run("model.explain(r'\(picture)', methods='nothing')").hasPrefix("Error 64 "))
    #expect(try run("model.explain('missing.png')").hasPrefix("Error 66 missing.png"))
    #expect(try run("model.explain(b'')").isEmpty == false)
    #expect(try run("model.explain(memoryview(bytes(12)))").hasPrefix("TypeError - an image is"))
    #expect(try run("Model(r'\(model)', lables='x')").hasPrefix("TypeError - lables: choose from "))
    #expect(try run("model.explain(r'\(picture)')[0].save('x.png', blend=0)").hasPrefix("ValueError - blend is 0"))
    #expect(
      try run("print(model.explain(memoryview(bytes(192)).cast('B', (8, 8, 3)))[0].heat.tolist()[7][7])").contains("."))
    #expect(place.files.isEmpty)
  }

  @Test(.enabled(if: !compilers.isEmpty, "needs a C compiler"))
  func theCExampleDrawsThePicture() throws {
    let folder = (Self.library as NSString).deletingLastPathComponent
    let compiled = try place.run(
      [
        "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", ofPackage("Sources/CGradCAM"),
        ofPackage("examples/c/heat_map.c"), Self.library, "-Wl,-rpath,\(folder)", "-o", "heat_map",
      ], program: Self.compilers[0])
    #expect(compiled.code == 0, "\(compiled.errors)")
    let outcome = try place.run([model, picture, "map.ppm"], program: place.path("heat_map"))
    #expect(outcome.code == 0 && outcome.output == "cross at layer3.0.relu: map.ppm\n", "\(outcome)")
    _ = try place.succeed("explain", model, picture)
    let drawn = try place.picture("pair-006-star-cross.shapes-resnet.layer3.0.relu.gradcam.png")
    #expect(
      try place.contents("map.ppm") == Data("P6\n\(drawn.width) \(drawn.height)\n255\n".utf8) + Data(drawn.pixels))
    let wrong = try place.run(["missing.onnx", picture, "other.ppm"], program: place.path("heat_map"))
    #expect(wrong.code == 66 && wrong.errors.hasPrefix("missing.onnx: cannot be opened"))
    #expect(!place.files.contains("other.ppm"))
  }

  @Test(.enabled(if: !compilers.isEmpty, "needs a C compiler"), arguments: [["c", "c99"], ["c++", "c++11"]])
  func theHeaderIsPlain(_ language: [String]) throws {
    let outcome = try place.run(
      [
        "-x", language[0], "-std=\(language[1])", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
        ofPackage("Sources/CGradCAM/gradcam.h"),
      ], program: Self.compilers[0])
    #expect(outcome.code == 0, "\(outcome.errors)")
  }
}
