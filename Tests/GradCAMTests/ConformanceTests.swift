import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// ONNX's own cases: a small choice of what `make conformance` runs, made by scripts/make-conformance-cases.py.
@Suite struct ConformanceTests {
  private static let folder = fixture("conformance")
  private static let cases = Result { try ConformanceCase.find(in: folder + "/cases") }

  @Test func casesGoAsTheManifestSays() throws {
    let cases = try Self.cases.get()
    #expect(cases.count >= 150)
    let manifest = try ConformanceManifest(contentsOf: Self.folder + "/manifest.txt")
    let runner = ConformanceRunner(manifest: manifest)
    for each in cases {
      let outcome = runner.run(each)
      let surprise = manifest.surprise(each.name, outcome)
      #expect(surprise == nil, "\(each.name) \(surprise ?? ""): \(outcome.reason ?? "")")
    }
  }

  @Test func aCaseThatFailsIsASurprise() throws {
    let each = try #require(Self.cases.get().first { $0.name == "test_add_bcast" || $0.name == "test_relu" })
    let strict = try ConformanceManifest("skip \(each.name) # no reason")
    #expect(strict.surprise(each.name, ConformanceRunner().run(each)) == "passes; the manifest says otherwise")
    let wrong = ConformanceRunner(relativeTolerance: -1, absoluteTolerance: -1)
    let failure = ConformanceOutcome(status: .failed, reason: "")
    #expect(strict.surprise(each.name, failure) == "failed, but the manifest says skipped")
    #expect(
      try ConformanceManifest("").surprise(each.name, wrong.run(each))?.hasPrefix("is not in the manifest") == true)
  }

  @Test func tolerancesAreTheCases() throws {
    let manifest = try ConformanceManifest(
      "# all\n\npass a\n pass b rtol=1e-2  atol=0 # half precision\nskip c # why\n")
    #expect(manifest.entries.count == 3)
    #expect(
      manifest.entries["a"] == .init(status: .passed, relativeTolerance: nil, absoluteTolerance: nil, reason: nil))
    #expect(
      manifest.entries["b"]
        == .init(status: .passed, relativeTolerance: 1e-2, absoluteTolerance: 0, reason: "half precision"))
    #expect(manifest.entries["c"]?.reason == "why")
  }

  @Test(arguments: [
    ("pass a\npass a", "line 2", "twice"), ("maybe a", "line 1", "not pass, skip or fail"),
    ("pass", "line 1", "no case"),
    ("pass a rtol=x # y", "line 1", "rtol=NUMBER"), ("pass a rtol=-1 # y", "line 1", "rtol=NUMBER"),
    ("pass a\nskip b", "line 2", "gives no reason"), ("pass a rtol=1", "line 1", "gives no reason"),
  ])
  func wrongLinesAreNamed(text: String, line: String, problem: String) {
    expectError(.badData, saying: line, problem) { _ = try ConformanceManifest(text) }
  }

  @Test func aManifestThatIsNotThereIsAnError() {
    expectError(.unreadable, saying: "/nowhere/manifest.txt") {
      _ = try ConformanceManifest(contentsOf: "/nowhere/manifest.txt")
    }
  }

  /// Links to folders above, to each other and to a case do not make more cases.
  @Test func linksLeadNowhereTwice() throws {
    try withTemporaryFolder { folder in
      for name in ["one", "deep/two"] {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        try writeAtomically([], to: "\(folder)/\(name)/model.onnx")
      }
      for (link, target) in [("up", "."), ("deep/up", ".."), ("again", "deep"), ("alias", "one"), ("lost", "nowhere")] {
        #expect(symlink(target, "\(folder)/\(link)") == 0)
      }
      #expect(try ConformanceCase.find(in: folder).count == 2)
    }
  }
}
