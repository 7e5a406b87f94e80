import Foundation
import Testing

/// Models that ask for too much end in one clear error, in little time and memory.
///
/// Fixtures/hostile/make.py wrote them.
@Suite struct HostileModelTests {
  /// A model, the exit code, and what the error says.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let code: Int32
    let says: String

    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "surplus-relu", code: 65, says: "has 2 inputs, but operator Relu takes 1"),
    Case(name: "surplus-resize", code: 65, says: "has 5 inputs, but operator Resize takes 1 to 4"),
    Case(name: "surplus-dropout", code: 65, says: "has 4 inputs, but operator Dropout takes 1 to 3"),
    Case(name: "group", code: 65, says: "attribute 'group': 4611686018427387904 is out of range"),
    Case(name: "pads", code: 65, says: "attribute 'pads': 4611686018427387904 is out of range"),
    Case(name: "block", code: 65, says: "attribute 'blocksize': 1099511627776 is out of range"),
    Case(name: "reshape", code: 65, says: "input 1 holds 4611686018427387904, which is out of range"),
    Case(name: "expand", code: 65, says: "the shape 2147483648×2147483648×2147483648 is too large for a tensor"),
    Case(name: "gather-index", code: 0, says: ""),
    Case(name: "empty-concat", code: 65, says: "tensor 'z': the shape 0×1099511627776×1099511627776 is too large"),
    Case(name: "empty-product", code: 65, says: "the shape 1073741824×1073741824 is too large for a tensor"),
    Case(name: "empty-rows", code: 0, says: ""),
    Case(name: "constant", code: 65, says: "a constant of shape 1073741824 is too large"),
    Case(name: "tile", code: 69, says: "1024 MB of memory would be needed, and the limit is 256 MB"),
    Case(
      name: "doubling", code: 69,
      says: "and the limit is 256 MB; if the file can be trusted, raise it with --memory-limit"),
    Case(name: "loop-long", code: 69, says: "its loops take more than 20 million steps"),
    Case(name: "loop-wide", code: 0, says: ""),
    Case(name: "recurrence", code: 0, says: ""),
    Case(name: "sums", code: 69, says: "computing what does not depend on the inputs takes too many operations"),
    Case(name: "nested-names", code: 0, says: ""),
    Case(name: "no-elements", code: 0, says: ""),
  ]

  @Test(arguments: cases) func endsInOneClearError(_ each: Case) throws {
    let place = try Workplace(), model = fixture("hostile/\(each.name).onnx")
    let clock = ContinuousClock(), start = clock.now
    let outcome = try place.run([
      "explain", model, fixture("disc.png"), "--class", "0", "--preset", "imagenet", "--memory-limit", "256M",
    ])
    #expect(outcome.code == each.code, "\(outcome.errors)")
    let errors = outcome.errors.split(separator: "\n").filter { $0.contains("error:") }
    #expect(errors.count == (each.code == 0 ? 0 : 1) && errors.allSatisfy { $0.contains(each.says) }, "\(errors)")
    #expect(clock.now - start < .seconds(60))
    // What can be listed is listed.
    #expect([0, 65].contains(try place.run(["nodes", model]).code))
  }

  /// One such file does not end the list of models.
  @Test func theOthersAreListed() throws {
    let place = try Workplace()
    let listed = try place.run(["models", "--models", fixture("hostile"), "--memory-limit", "256M"])
    #expect(listed.code == 0 && listed.output.contains("nested-names"), "\(listed.errors)")
  }
}
