import Foundation
import GradCAM
import Testing

/// The examples of libgradcam, run as programs of their own.
struct EmbeddingTests {
  private static let library = Workplace.built("libGradCAMShared.so").path
  private static let python = found("python3")
  private static let hasNumPy =
    python.map { (try? Workplace().run(["-c", "import numpy"], program: $0).code) == 0 } ?? false
  private static let compilers = ["cc", "clang"].compactMap(found)

  /// The path of a program that the user has.
  private static func found(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private let model = shipped("shapes-resnet.onnx"), picture = shipped("samples/pair-006-star-cross.png")
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func runPython(_ arguments: String...) throws -> Workplace.Outcome {
    try place.run(
      [ofPackage("examples/python/heat_map.py")] + arguments, program: #require(Self.python),
      environment: ["LIBGRADCAM": Self.library, "PYTHONDONTWRITEBYTECODE": "1"])
  }

  @Test(.enabled(if: hasNumPy, "needs python3 with numpy"))
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
    #expect(try place.picture("python.png") == place.picture("pair-006-star-cross.gradcam.png"))
  }

  @Test(.enabled(if: hasNumPy, "needs python3 with numpy"))
  func pythonGetsErrors() throws {
    let outcome = try runPython("missing.onnx", picture, "heat.npy")
    #expect(outcome.code == 1 && outcome.errors.contains("RuntimeError: missing.onnx: cannot be opened"))
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
    let drawn = try place.picture("pair-006-star-cross.gradcam.png")
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
