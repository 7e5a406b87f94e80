import Foundation
import Testing

/// What `make dist` packs; small files of the system stand for the program and its library, so that it takes no time.
struct PackagingTests {
  private static let version = "0.2.0", time = "1700000000"
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try make("stage", ["bin/gradcam": "/bin/true", "share/man/man1/gradcam.1": ofPackage("LICENSE")])
    try make("stage", ["include/gradcam.h": ofPackage("Sources/CGradCAM/gradcam.h")])
    try make("stage/share", ["bash-completion/completions/gradcam": ofPackage("scripts/stage.sh")])
    try make("stage/share", ["zsh/site-functions/_gradcam": ofPackage("scripts/stage.sh")])
    try Data("prefix=${pcfiledir}/../..\nLibs: -L${prefix}/lib\n".utf8)
      .write(to: URL(fileURLWithPath: place.path("gradcam.pc")))
    try make(
      "stage/lib", ["libgradcam.so": try systemLibrary("libpng.so"), "pkgconfig/gradcam.pc": place.path("gradcam.pc")])
    try make(
      "portable", ["bin/gradcam": "/bin/true", "lib/libgradcam.so": try systemLibrary("libpng.so")])
    try make("portable/lib/gradcam", ["libz.so.1": try systemLibrary("libz.so")])
  }

  /// Copies files, given by their names in a folder.
  private func make(_ folder: String, _ files: [String: String]) throws {
    for (name, source) in files {
      let target = URL(fileURLWithPath: place.path("\(folder)/\(name)"))
      try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try? FileManager.default.removeItem(at: target)
      try FileManager.default.copyItem(at: URL(fileURLWithPath: source).resolvingSymlinksInPath(), to: target)
    }
  }

  private func systemLibrary(_ name: String) throws -> String {
    try output("cc", "-print-file-name=\(name)").trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @discardableResult
  private func output(_ program: String, _ arguments: String...) throws -> String {
    let environment = ["SOURCE_DATE_EPOCH": Self.time, "MAINTAINER": "Somebody <somebody@example.org>"]
    let outcome = try place.run([program] + arguments, program: "/usr/bin/env", environment: environment)
    try #require(outcome.code == 0, "\(program) \(arguments): \(outcome.errors)")
    return outcome.output
  }

  private func script(_ name: String, _ arguments: String...) throws -> Workplace.Outcome {
    try place.run(
      arguments, program: ofPackage("scripts/\(name).sh"),
      environment: ["SOURCE_DATE_EPOCH": Self.time, "MAINTAINER": "Somebody <somebody@example.org>"])
  }

  /// The components, in a file; the build folder is the one of these tests.
  private func listComponents() throws -> [[String]] {
    let scratch = Workplace.programs.resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
    let list = try script("list-components", scratch.path)
    try #require(list.code == 0, "\(list.errors)")
    try Data(list.output.utf8).write(to: URL(fileURLWithPath: place.path("components")))
    return list.output.split(separator: "\n").map { $0.components(separatedBy: "\t") }
  }

  private func pack(_ archive: String) throws {
    let outcome = try script("make-archive", "stage", "portable", "components", archive)
    try #require(outcome.code == 0, "\(outcome.errors)")
  }

  @Test func archivesAreReproducible() throws {
    let components = try listComponents().map { $0[0] }
    #expect(components.contains("swift-runtime") && components.contains("openblas"))
    let name = "gradcam-\(Self.version)-linux-x86_64"
    try pack("\(name).tar.gz")
    let first = try place.contents("\(name).tar.gz")
    // Neither times nor the order of files in a folder nor the umask matter.
    try make("copy", ["bin/gradcam": "/bin/true"])
    try output("cp", "-r", "stage", "again")
    try output("chmod", "-R", "go-rx", "again")
    #expect(
      try script("make-archive", "again", "portable", "components", "copy/\(name).tar.gz").code == 0)
    #expect(try place.contents("copy/\(name).tar.gz") == first)

    let listing = try output("tar", "--list", "--verbose", "--file", "\(name).tar.gz")
    let files = listing.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(files.allSatisfy { ["-rw-r--r--", "-rwxr-xr-x", "drwxr-xr-x"].contains($0[0]) && $0[1] == "0/0" })
    let names = Set(files.map { String($0.last!) })
    let expected =
      ["LICENSE", "README.md", "bin/gradcam", "lib/libgradcam.so", "lib/gradcam/libz.so.1", "include/gradcam.h"]
      + components.map { "licenses/\($0).txt" }
    for file in expected { #expect(names.contains("\(name)/\(file)"), "\(file)") }
  }

  @Test func anArchiveThatNeedsMoreIsRefused() throws {
    _ = try listComponents()
    let archive = "gradcam-\(Self.version)-linux-x86_64.tar.gz"
    // /bin/true draws nothing.
    try pack(archive)
    let idle = try script("check-archive", archive)
    #expect(idle.code != 0 && idle.errors.contains("there is no picture"), "\(idle.errors)")
    // This library needs libquadmath, which an archive must not ask for.
    try make("portable", ["lib/libgradcam.so": try systemLibrary("libgfortran.so.5")])
    try pack(archive)
    let dependent = try script("check-archive", archive)
    #expect(
      dependent.code != 0 && dependent.errors.contains("lib/libgradcam.so needs libquadmath.so.0"),
      "\(dependent.errors)")
  }

  /// The part of OpenBLAS that an archive has is all that the program needs, and computes the same.
  @Test func theArchivesOpenBLASServes() throws {
    let outcome = try script("private-libraries", "private")
    try #require(outcome.code == 0, "\(outcome.errors)")
    try make("blas", ["libopenblas.so.0": place.path("private/lib/libgradcam-blas.so.0")])
    #expect(try !output("objdump", "-p", "blas/libopenblas.so.0").contains("gfortran"))
    // At once, a function that is missing would end the program.
    let own = ["LD_LIBRARY_PATH": place.path("blas"), "LD_BIND_NOW": "1"]
    for (map, environment) in [("whole.npy", [:]), ("own.npy", own)] {
      let run = try place.run(
        ["explain", shipped("shapes-resnet.onnx"), shipped("samples/pair-006-star-cross.png")]
          + ["--method", "eigencam", "--save-map", map, "--output", "picture.png"], environment: environment)
      #expect(run.code == 0, "\(run.errors)")
    }
    #expect(try place.contents("own.npy") == place.contents("whole.npy"))
  }

  @Test func debianPackagesAreReproducible() throws {
    let names = ["one.deb", "two.deb"]
    for name in names {
      let outcome = try script("make-deb", "stage", Self.version, name)
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    #expect(try place.contents(names[0]) == place.contents(names[1]))
    let control = try output("dpkg-deb", "--field", names[0])
    #expect(control.contains("Version: \(Self.version)\n") && control.contains("Somebody <somebody@example.org>"))
    #expect(control.firstMatch(of: /\nDepends: .*libc6 \(/) != nil && control.contains("zlib1g"))
    try output("dpkg-deb", "--raw-extract", names[0], "root")
    let installed = Set(place.files.filter { $0.hasPrefix("root/usr/") })
    for file in [
      "bin/gradcam", "lib/x86_64-linux-gnu/libgradcam.so", "lib/x86_64-linux-gnu/pkgconfig/gradcam.pc",
      "share/man/man1/gradcam.1.gz", "share/zsh/vendor-completions/_gradcam", "share/doc/gradcam/copyright",
    ] { #expect(installed.contains("root/usr/\(file)"), "\(file)") }
    try output("sh", "-c", "cd root && md5sum --check --strict --quiet DEBIAN/md5sums")
  }

  @Test func theBillOfMaterialsNamesWhatIsInside() throws {
    let components = try listComponents()
    for name in ["archive", "deb", "wheel"] { try Data(name.utf8).write(to: URL(fileURLWithPath: place.path(name))) }
    let outcome = try script("make-sbom", Self.version, "components", "archive", "deb", "wheel")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let document: [String: Any] = try outcome.json()
    #expect(document["spdxVersion"] as? String == "SPDX-2.3")
    #expect((document["creationInfo"] as? [String: Any])?["created"] as? String == "2023-11-14T22:13:20Z")
    let packages = try #require(document["packages"] as? [[String: Any]])
    #expect(packages.count == components.count + 3)
    for component in components {
      let package = try #require(packages.first { $0["name"] as? String == component[0] })
      #expect(package["versionInfo"] as? String == component[1])
      #expect(package["licenseDeclared"] as? String == component[2])
    }
    let relationships = try #require(document["relationships"] as? [[String: String]])
    let ids = Set(packages.compactMap { $0["SPDXID"] as? String } + ["SPDXRef-DOCUMENT"])
    for relationship in relationships {
      for end in ["spdxElementId", "relatedSpdxElement"] { #expect(ids.contains(relationship[end] ?? "")) }
    }
    let inside = relationships.filter { $0["relationshipType"] == "CONTAINS" }
    for id in ["SPDXRef-archive", "SPDXRef-wheel"] {
      #expect(inside.filter { $0["spdxElementId"] == id }.count == components.count)
    }
    #expect(
      inside.filter { $0["spdxElementId"] == "SPDXRef-deb" }.count == components.filter { $0[5] == "both" }.count)
  }
}
