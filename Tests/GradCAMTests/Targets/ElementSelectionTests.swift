import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct ElementSelectionTests {
  private let model: Model
  /// 0 … 23, of shape 2 × 3 × 4 as far as the selection knows.
  private let contents = (0..<24).map(Float.init)
  private let shape: Shape = [2, 3, 4]

  init() throws { model = try GoldenFixture.model("plain") }

  private var output: String { model.graph.values[model.head.output].name }

  private func sum(_ indices: String) throws -> any Target {
    try ElementSelection(output + indices, in: model).target(in: shape)
  }

  /// What NumPy's `numpy.arange(24).reshape(2, 3, 4)[…].sum()` gives.
  @Test(arguments: [
    ("", 276), ("[1,2,3]", 23), ("[-1,-1,-1]", 23), ("[0,1]", 22), ("[0,:,1]", 15), ("[:,1:,2]", 56),
    ("[1,:2,-2:]", 66),
    ("[ 0 , 2 , 1 : 3 ]", 19), ("[0,0,-99:99]", 6),
  ])
  func elementsAreThoseOfNumPy(_ indices: String, _ truth: Float) throws {
    let target = try sum(indices), gradient = try target.gradient(contents)
    #expect(try target.score(contents) == truth)
    #expect(Set(gradient).isSubset(of: [0, 1]))
    #expect(zip(gradient, contents).reduce(0) { $0 + $1.0 * $1.1 } == truth)
  }

  @Test(arguments: [
    ("[2]", "index 2 is outside axis 0"), ("[0,-4]", "whose shape is 2×3×4"), ("[0,0,0,0]", "has 4 indices"),
    ("[0,2:2]", "picks no element"), ("[1:0]", "picks no element"), ("[x]", "'x' is not an index"),
    ("[]", "is not an index"), ("[0,]", "'' is not an index"), ("[1:2:3]", "'1:2:3' is not an index"),
  ])
  func otherIndicesAreUsageErrors(_ indices: String, _ message: String) {
    expectError(.usage, at: "target '\(output)\(indices)'", saying: message) { _ = try sum(indices) }
  }

  @Test func anUnknownNameListsTheOutputs() {
    expectError(.usage, at: "target 'nothing[0]'", saying: "'nothing'", "'\(output)'") {
      _ = try ElementSelection("nothing[0]", in: model)
    }
  }

  @Test func namesAndWordsTellWhatIsSummed() throws {
    #expect(try sum("[0,1,2]").description == "\(output)[0,1,2]")
    #expect(try sum("[0,1]").description == "sum of \(output)[0,1]")
    #expect(try sum("").name == output)
  }
}
