import Foundation
import Testing

/// The package in `python`, by its own tests.
struct PythonPackageTests {
  private static let python = Workplace.found("python3")
  private static let hasNumPy =
    python.map { (try? Workplace().run(["-c", "import numpy"], program: $0).code) == 0 } ?? false

  @Test(.enabled(if: hasNumPy, "needs python3 with numpy")) func passesItsTests() throws {
    let outcome = try Workplace().run(
      ["-m", "unittest", "discover", "-s", ofPackage("python/tests")], program: #require(Self.python),
      environment: [
        "LIBGRADCAM": Workplace.built("libGradCAMShared.so").path, "GRADCAM": Workplace.built("gradcam").path,
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ofPackage("python"),
      ])
    #expect(outcome.code == 0 && outcome.errors.contains("\nOK"), "\(outcome)")
  }
}
