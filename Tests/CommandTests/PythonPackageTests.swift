import Foundation
import Testing

/// The package in `python`, by its own tests.
struct PythonPackageTests {
  @Test(.enabled(if: Workplace.hasNumPy, "needs python3 with numpy")) func passesItsTests() throws {
    let outcome = try Workplace().run(
      ["-m", "unittest", "discover", "-s", ofPackage("python/tests")], program: #require(Workplace.python),
      environment: [
        "LIBGRADCAM": Workplace.built("libGradCAMShared.so").path, "GRADCAM": Workplace.built("gradcam").path,
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ofPackage("python"),
      ])
    #expect(outcome.code == 0 && outcome.errors.contains("\nOK"), "\(outcome)")
  }
}
