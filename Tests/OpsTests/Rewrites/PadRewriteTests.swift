import Graph
import Testing

@Suite struct PadRewriteTests {
  private func network(
    _ pads: [Int64], value: Float? = nil, pad: [String: Attribute] = [:], convolution: [String: Attribute] = [:]
  ) -> (check: RewriteCheck, padded: ValueID, result: ValueID) {
    var check = RewriteCheck([1, 2, 6, 7])
    let amounts = check.constant(Tensor(pads, shape: [pads.count])), filling = value.map { check.constant($0) }
    let padded = check.node("Pad", 0, amounts, filling, attributes: pad)
    let channels = 2 + Int(pads[1] + pads[5])
    let result = check.node("Conv", padded, check.constant([3, channels, 3, 3]), attributes: convolution)
    return (check, padded, result)
  }

  @Test func zerosAroundThePictureBecomePadsOfTheConvolution() throws {
    for (value, convolution): (Float?, [String: Attribute]) in [
      (nil, [:]), (0, ["pads": .ints([1, 0, 0, 1]), "strides": .ints([2, 2])]), (nil, ["auto_pad": .string("VALID")]),
    ] {
      let (check, padded, y) = network([0, 0, 1, 2, 0, 0, 0, 3], value: value, convolution: convolution)
      try check.expect(["Conv"], to: y, inner: [padded], tolerance: 1e-5)
    }
  }

  @Test func otherPaddingStays() throws {
    for (check, _, y) in [
      network([0, 0, 1, 1, 0, 0, 1, 1], value: 1), network([0, 1, 1, 1, 0, 0, 1, 1]),
      network([0, 0, -1, 1, 0, 0, 1, 1]), network([0, 0, 1, 1, 0, 0, 1, 1], pad: ["mode": .string("edge")]),
      network([0, 0, 1, 1, 0, 0, 1, 1], convolution: ["auto_pad": .string("SAME_UPPER")]),
    ] {
      #expect(try check.steps(to: y) == ["Pad", "Conv"])
    }
  }

  @Test func padsInAttributesAreKnownToo() throws {
    var check = RewriteCheck([1, 2, 6, 7])
    check.graph.opsets[""] = 9
    let padded = check.node(
      "Pad", 0, attributes: ["pads": .ints([0, 0, 1, 1, 0, 0, 1, 1]), "mode": .string("constant"), "value": .float(0)])
    let y = check.node("Conv", padded, check.constant([3, 2, 3, 3]))
    try check.expect(["Conv"], to: y, inner: [padded], tolerance: 1e-5)
  }
}
