import Graph

/// Operators whose extents depend on the contents of inputs, which they ask for.
let selectionOperators: [OperatorEntry] = [
  OperatorEntry("Compress", since: 9, inputs: 2...2) { reader in
    let axis = try reader.int("axis")
    return Composite { inputs in try compress(inputs, axis: axis) }
  },
  OperatorEntry("Unique", since: 11, inputs: 1...1) { reader in
    let axis = try reader.int("axis"), isSorted = try reader.flag("sorted", default: true)
    return KnownResult { inputs in try unique(inputs, axis: axis, isSorted: isSorted) }
  },
  OperatorEntry("NonMaxSuppression", since: 10, inputs: 2...5) { reader in
    let isCentred = try reader.flag("center_point_box")
    return NonMaxSuppression(isCentred: isCentred)
  },
]

/// Operators of other programs that select detections, by type: their domains differ from exporter to exporter.
let foreignBoxSelections = Dictionary(
  uniqueKeysWithValues: ["EfficientNMS_TRT", "BatchedNMS_TRT", "BatchedNMSDynamic_TRT"].map {
    ($0, BoxSelection(boxes: 0, scores: 1, classAxis: 2))
  })

/// The boxes that remain after those that overlap a better one are left out.
struct NonMaxSuppression: Operator {
  let isCentred: Bool

  var boxSelection: BoxSelection? { BoxSelection(boxes: 0, scores: 1, classAxis: 1) }

  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    [ValueInfo(try nonMaxSuppression(inputs, isCentred: isCentred))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    throw GradCAMError(.defect, problem: "the result is known and needs no kernel")
  }
}

/// The slices along an axis for which the condition, input 1, holds; the elements if there is no axis.
private func compress(_ inputs: NodeInputs, axis: Int?) throws -> ComputeGraph {
  var body = GraphBuilder(inputs)
  let shape = try inputs.required(0).shape
  let extent = try axis.map { shape[try shape.axis($0)] } ?? shape.count
  let chosen = try inputs.requiredIntegers(1).enumerated().filter { $0.element != 0 }.map(\.offset)
  guard chosen.allSatisfy({ $0 < extent }) else {
    throw GradCAMError(.badData, problem: "the condition is longer than the \(extent) elements it selects from")
  }
  let x = axis == nil ? body.reshape(0, [extent]) : 0
  return body.returning(body("Gather", x, body.integers(chosen), with: ["axis": .int(Int64(axis ?? 0))]))
}

/// The distinct slices along an axis, or elements, with the first position of each, the index among them of every
/// slice, and how often each occurs.
private func unique(_ inputs: NodeInputs, axis: Int?, isSorted: Bool) throws -> [Tensor] {
  _ = try inputs.required(0)
  let x = try inputs.contents(0)!
  guard x.elementType != .string else { throw unsupportedType(.string) }
  let axisOrFlat = try axis.map(x.shape.axis)
  let (outer, extent, inner) = axisOrFlat.map { x.shape.split(at: $0) } ?? (1, x.shape.count, 1)
  return x.elementType.storage == .float32
    ? unique(x, x.floats, outer, extent, inner, axis: axisOrFlat, isSorted: isSorted) { Tensor($0, shape: $1) }
    : unique(x, x.integers, outer, extent, inner, axis: axisOrFlat, isSorted: isSorted) { values, shape in
      x.elementType == .bool
        ? Tensor(values.map { $0 != 0 }, shape: shape) : Tensor(values, shape: shape, elementType: x.elementType)
    }
}

private func unique<Element: Comparable>(
  _ x: Tensor, _ elements: [Element], _ outer: Int, _ extent: Int, _ inner: Int, axis: Int?, isSorted: Bool,
  tensor: ([Element], Shape) -> Tensor
) -> [Tensor] {
  let slices: [[Element]] = (0..<extent).map { place in
    (0..<outer).flatMap { (row: Int) -> ArraySlice<Element> in
      let start = (row * extent + place) * inner
      return elements[start..<start + inner]
    }
  }
  let order = slices.indices.sorted { first, second in
    if slices[first].lexicographicallyPrecedes(slices[second]) { return true }
    return slices[first] == slices[second] && first < second
  }
  var groups: [[Int]] = []
  for place in order {
    if let last = groups.last, slices[last[0]] == slices[place] {
      groups[groups.count - 1].append(place)
    } else {
      groups.append([place])
    }
  }
  if !isSorted { groups.sort { $0[0] < $1[0] } }
  var own = [Int64](repeating: 0, count: extent)
  for (number, group) in groups.enumerated() { for place in group { own[place] = Int64(number) } }
  let kept: [Element] = (0..<outer).flatMap { (row: Int) -> [Element] in
    groups.flatMap { (group: [Int]) -> ArraySlice<Element> in slices[group[0]][row * inner..<(row + 1) * inner] }
  }
  var shape = axis == nil ? Shape([groups.count]) : x.shape
  if let axis { shape.dimensions[axis] = groups.count }
  let result = tensor(kept, shape)
  return [
    Tensor(elementType: x.elementType, shape: shape, storage: result.storage),
    Tensor(groups.map { Int64($0[0]) }, shape: [groups.count]), Tensor(own, shape: [extent]),
    Tensor(groups.map { Int64($0.count) }, shape: [groups.count]),
  ]
}

/// Boxes of high score that do not overlap one of higher score too much: rows of batch, class and box.
private func nonMaxSuppression(_ inputs: NodeInputs, isCentred: Bool) throws -> Tensor {
  let boxShape = try inputs.required(0).shape, scoreShape = try inputs.required(1).shape
  guard boxShape.rank == 3, boxShape[2] == 4, scoreShape.rank == 3, scoreShape[0] == boxShape[0],
    scoreShape[2] == boxShape[1]
  else { throw GradCAMError(.badData, problem: "boxes \(boxShape) and scores \(scoreShape) do not fit") }
  let boxes = try inputs.contents(0)!.floats, scores = try inputs.contents(1)!.floats
  let limit = try inputs.position(2) ?? 0
  let overlapLimit = try inputs.contents(3)?.floats.first ?? 0
  let threshold = try inputs.contents(4)?.floats.first ?? -.infinity
  let count = boxShape[1], classes = scoreShape[1]

  func box(_ index: Int) -> (top: Float, left: Float, bottom: Float, right: Float) {
    let (a, b, c, d) = (boxes[index * 4], boxes[index * 4 + 1], boxes[index * 4 + 2], boxes[index * 4 + 3])
    if isCentred { return (b - d / 2, a - c / 2, b + d / 2, a + c / 2) }
    return (min(a, c), min(b, d), max(a, c), max(b, d))
  }
  func overlap(_ first: Int, _ second: Int) -> Float {
    let a = box(first), b = box(second)
    let height = max(0, min(a.bottom, b.bottom) - max(a.top, b.top))
    let width = max(0, min(a.right, b.right) - max(a.left, b.left))
    let union = (a.bottom - a.top) * (a.right - a.left) + (b.bottom - b.top) * (b.right - b.left) - height * width
    return union > 0 ? height * width / union : 0
  }
  var rows: [Int64] = []
  for batch in 0..<boxShape[0] {
    for number in 0..<classes {
      let own = (batch * classes + number) * count
      let candidates = (0..<count).filter { scores[own + $0] > threshold }
        .sorted { scores[own + $0] != scores[own + $1] ? scores[own + $0] > scores[own + $1] : $0 < $1 }
      var kept: [Int] = []
      for candidate in candidates where kept.count < limit {
        if kept.allSatisfy({ overlap(batch * count + $0, batch * count + candidate) <= overlapLimit }) {
          kept.append(candidate)
          rows += [Int64(batch), Int64(number), Int64(candidate)]
        }
      }
    }
  }
  return Tensor(rows, shape: [rows.count / 3, 3])
}
