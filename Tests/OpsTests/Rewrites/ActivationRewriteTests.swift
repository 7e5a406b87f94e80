import Graph
import Testing

@Suite struct ActivationRewriteTests {
  @Test(arguments: [false, true]) func aValueTimesItsSigmoidIsSwish(gateFirst: Bool) throws {
    var check = RewriteCheck([2, 3, 35])
    let gate = check.node("Sigmoid", 0)
    let y = gateFirst ? check.node("Mul", gate, 0) : check.node("Mul", 0, gate)
    try check.expect(["Swish"], to: y, inner: [gate])
  }

  @Test func aSlopeInsideTheSigmoidIsKept() throws {
    var check = RewriteCheck([70])
    let inner = check.node("Mul", check.constant(1.702), 0)
    let gate = check.node("Sigmoid", inner)
    let y = check.node("Mul", 0, gate)
    try check.expect(["Swish"], to: y, inner: [inner, gate])
  }

  @Test func aSigmoidOfSomethingElseIsLeft() throws {
    var check = RewriteCheck([70])
    let y = check.node("Mul", 0, check.node("Sigmoid", check.node("Neg", 0)))
    #expect(try check.steps(to: y) == ["Neg", "Sigmoid", "Mul"])
  }

  @Test func aSigmoidThatTwoReadIsLeft() throws {
    var check = RewriteCheck([70])
    let gate = check.node("Sigmoid", 0)
    let y = check.node("Add", gate, check.node("Mul", 0, gate))
    #expect(try check.steps(to: y) == ["Sigmoid", "Mul", "Add"])
  }

  @Test func aValueTimesItsHardSigmoidIsHardSwish() throws {
    var check = RewriteCheck([70])
    let gate = check.node("HardSigmoid", 0, attributes: ["alpha": .float(1 / 6)])
    let y = check.node("Mul", 0, gate)
    try check.expect(["HardSwish"], to: y, inner: [gate])
    check.graph.opsets[""] = 13
    try check.expect(["HardSwish"], to: y, inner: [gate])
  }

  @Test func aHardSigmoidOfAnotherSlopeIsLeft() throws {
    var check = RewriteCheck([70])
    let y = check.node("Mul", 0, check.node("HardSigmoid", 0))
    #expect(try check.steps(to: y) == ["HardSigmoid", "Mul"])
  }

  /// As torch.onnx.export writes it, from TorchScript and from dynamo, and as TensorFlow's exporter does.
  @Test(arguments: 0..<3) func geluByErf(form: Int) throws {
    var check = RewriteCheck([2, 3, 35])
    let root = check.constant(1.4142135), inverseRoot = check.constant(0.70710677)
    let one = check.constant(1), half = check.constant(0.5)
    let scaled = form == 0 ? check.node("Div", 0, root) : check.node("Mul", 0, inverseRoot)
    let curve = check.node("Erf", scaled)
    let gate = form == 0 ? check.node("Add", curve, one) : check.node("Add", one, curve)
    let y: ValueID, inner: ValueID
    switch form {
    case 0:
      inner = check.node("Mul", 0, gate)
      y = check.node("Mul", inner, half)
    case 1:
      inner = check.node("Mul", half, 0)
      y = check.node("Mul", inner, gate)
    default:
      inner = check.node("Mul", half, gate)
      y = check.node("Mul", 0, inner)
    }
    try check.expect(["Gelu"], to: y, inner: [scaled, curve, gate, inner])
  }

  @Test(arguments: [false, true]) func geluByTanh(hasPower: Bool) throws {
    var check = RewriteCheck([2, 3, 35])
    let three = check.constant(3), small = check.constant(0.044715), factor = check.constant(0.7978846)
    let one = check.constant(1), half = check.constant(0.5)
    let cube = hasPower ? check.node("Pow", 0, three) : check.node("Mul", 0, check.node("Mul", 0, 0))
    let cubic = check.node("Mul", small, cube)
    let sum = check.node("Add", 0, cubic)
    let curve = check.node("Tanh", check.node("Mul", factor, sum))
    let gate = check.node("Add", curve, one)
    let inner = check.node("Mul", 0, gate)
    let y = check.node("Mul", half, inner)
    try check.expect(["Gelu"], to: y, inner: [cube, cubic, sum, curve, gate, inner], tolerance: 1e-5)
  }

  @Test func otherNumbersAreNoGelu() throws {
    for (scale, factor): (Float, Float) in [(0.7, 0.5), (0.70710677, 0.49)] {
      var check = RewriteCheck([70])
      let gate = check.node(
        "Add", check.node("Erf", check.node("Mul", 0, check.constant(scale))), check.constant(1))
      let y = check.node("Mul", check.node("Mul", 0, gate), check.constant(factor))
      #expect(try check.steps(to: y) == ["Mul", "Erf", "Add", "Mul", "Mul"])
    }
  }

  @Test func numbersThatAddAnAxisAreNoGelu() throws {
    var check = RewriteCheck([70])
    let half = check.constant(Tensor([0.5], shape: [1, 1]))
    let gate = check.node(
      "Add", check.node("Erf", check.node("Mul", 0, check.constant(0.70710677))), check.constant(1))
    let y = check.node("Mul", check.node("Mul", 0, gate), half)
    #expect(try check.steps(to: y).count == 5)
  }
}
