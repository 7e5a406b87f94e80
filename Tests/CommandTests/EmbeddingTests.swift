import Foundation
import Testing

/// The example of libgradcam in C, run as a program of its own.
struct EmbeddingTests {
  private static let library = Workplace.built("libGradCAMShared.so").path
  private static let compilers = ["cc", "clang"].compactMap(Workplace.found)

  private let model = shipped("shapes-resnet.onnx"), picture = shipped("samples/pair-006-star-cross.png")
  private let place: Workplace

  init() throws { place = try Workplace() }

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
