import Graph

@testable import GradCAM

/// Detectors of two scales, 8 × 8 and 4 × 4 cells of a picture of 32 × 32, in the layouts of public detectors.
struct ScaledDetector {
  var graph = DetectorGraph()
  /// The feature maps of both scales, of four channels.
  let maps: [ValueID]
  static let cells = [8, 4]

  init() {
    let fine = graph.convolved(to: 4, kernel: 4, stride: 4), shallow = graph.add("Relu", fine)
    let coarse = graph.convolved(shallow, channels: 4, to: 4, kernel: 2, stride: 2)
    maps = [shallow, graph.add("Relu", coarse)]
  }

  /// Numbers of the cells of a scale, 1 × count × cells, through a branch of its own.
  mutating func branch(_ scale: Int, _ count: Int, kernels: [Int] = [3, 1]) -> ValueID {
    var value = maps[scale]
    for (index, kernel) in kernels.enumerated() {
      value = graph.convolved(value, channels: 4, to: index + 1 < kernels.count ? 4 : count, kernel: kernel)
      if index + 1 < kernels.count { value = graph.add("Relu", value) }
    }
    let side = Self.cells[scale]
    return graph.add("Reshape", value, graph.integers([1, Int64(count), Int64(side * side)]))
  }

  /// The centres of the cells of both scales, 1 × 2 × 80, and the sides of the cells, 1 × 1 × 80.
  mutating func grid(shift: Float = 0.5) -> (centres: ValueID, strides: ValueID) {
    var x: [Float] = [], y: [Float] = [], strides: [Float] = []
    for cells in Self.cells {
      for index in 0..<cells * cells {
        x.append(Float(index % cells) + shift)
        y.append(Float(index / cells) + shift)
        strides.append(Float(32 / cells))
      }
    }
    return (graph.constant(x + y, [1, 2, 80]), graph.constant(strides, [1, 1, 80]))
  }

  /// A part of the numbers along axis 1.
  mutating func slice(_ value: ValueID, _ range: Range<Int64>) -> ValueID {
    graph.add(
      "Slice", value, graph.integers([range.lowerBound]), graph.integers([range.upperBound]), graph.integers([1]))
  }

  /// The same in another graph.
  func sliced(_ value: ValueID, _ range: Range<Int64>, in graph: inout DetectorGraph) -> ValueID {
    graph.add(
      "Slice", value, graph.integers([range.lowerBound]), graph.integers([range.upperBound]), graph.integers([1]))
  }

  mutating func scalar(_ number: Float) -> ValueID { graph.constant([number], []) }

  enum Layout: String, CaseIterable {
    /// YOLOv8 to v12: distances to the edges, written as centre and size in pixels; numbers first.
    case v8
    /// YOLOv5 and v7: three boxes a cell, all numbers through one Sigmoid and one layer; boxes first.
    case v5
    /// YOLOX with its boxes decoded, and without.
    case yolox, yoloxRaw
    /// SSD, RetinaFace and UltraFace: priors in shares of the picture, corners; scores and boxes apart.
    case ssd
    /// As TensorFlow's: rows first.
    case rowsFirst
    /// FCOS: corners in pixels.
    case corners
  }

  mutating func make(_ layout: Layout) {
    switch layout {
    case .v8, .corners:
      var joined = joinedBranches(layout == .v8 ? 4 * 5 + 3 : 7)
      let (centres, strides) = grid()
      if layout == .v8 {
        // Each distance is the mean of five, by a convolution of all boxes of all scales.
        let raw = slice(joined, 0..<20), scores = slice(joined, 20..<23)
        let bins = graph.add("Reshape", raw, graph.integers([1, 4, 5, 80]))
        let first = graph.add("Transpose", bins, with: ["perm": .ints([0, 2, 1, 3])])
        let shares = graph.add("Softmax", first, with: ["axis": .int(1)])
        let mean = graph.add("Conv", shares, graph.constant([0, 1, 2, 3, 4], [1, 5, 1, 1]))
        joined = graph.joined(graph.add("Reshape", mean, graph.integers([1, 4, 80])), scores)
      }
      let nearest = slice(joined, 0..<2), farthest = slice(joined, 2..<4)
      let first = graph.add("Sub", centres, nearest), last = graph.add("Add", centres, farthest)
      let half = scalar(2)
      let middle = graph.add("Div", graph.add("Add", first, last), half), extent = graph.add("Sub", last, first)
      let box = layout == .v8 ? graph.joined(middle, extent) : graph.joined(first, last)
      let pixels = graph.add("Mul", box, strides), scores = graph.add("Sigmoid", slice(joined, 4..<7))
      graph.output(graph.joined(pixels, scores), "output0")
    case .v5:
      var parts: [ValueID] = []
      for (scale, cells) in Self.cells.enumerated() {
        let raw = branch(scale, 3 * 8, kernels: [1]), side = Int64(cells)
        let anchors = graph.add("Reshape", raw, graph.integers([1, 3, 8, side, side]))
        let last = graph.add("Transpose", anchors, with: ["perm": .ints([0, 1, 3, 4, 2])])
        let shares = graph.add("Sigmoid", last)
        func part(_ range: Range<Int64>) -> ValueID {
          graph.add(
            "Slice", shares, graph.integers([range.lowerBound]), graph.integers([range.upperBound]),
            graph.integers([4]))
        }
        let places = (0..<cells * cells).flatMap { [Float($0 % cells) - 0.5, Float($0 / cells) - 0.5] }
        let grid = graph.constant(places, [1, 1, cells, cells, 2]), two = scalar(2), stride = scalar(Float(32 / cells))
        let centre = graph.add("Mul", graph.add("Add", graph.add("Mul", part(0..<2), two), grid), stride)
        let sizes = graph.constant([4, 5, 9, 6, 7, 12], [1, 3, 1, 1, 2])
        let doubled = graph.add("Mul", part(2..<4), two)
        let size = graph.add("Mul", graph.add("Pow", doubled, two), sizes)
        let whole = graph.joined(centre, size, part(4..<8), axis: 4)
        parts.append(graph.add("Reshape", whole, graph.integers([1, 3 * side * side, 8])))
      }
      graph.output(graph.joined(parts[0], parts[1], axis: 1), "output0")
    case .yolox, .yoloxRaw:
      var lists: [ValueID] = []
      for scale in Self.cells.indices {
        let box = branch(scale, 4), whole = graph.add("Sigmoid", branch(scale, 1)),
          classes = graph.add("Sigmoid", branch(scale, 3))
        lists.append(graph.joined(box, whole, classes))
      }
      var rows = graph.joined(lists[0], lists[1], axis: 2)
      if layout == .yolox {
        let (corners, strides) = grid(shift: 0)
        let centre = graph.add("Mul", graph.add("Add", slice(rows, 0..<2), corners), strides)
        let size = graph.add("Mul", graph.add("Exp", slice(rows, 2..<4)), strides)
        rows = graph.joined(centre, size, slice(rows, 4..<8))
      }
      graph.output(graph.byBox(rows), "output")
    case .ssd, .rowsFirst:
      let shifts = graph.byBox(joinedBranches(4)), raw = graph.byBox(joinedBranches(3))
      var priors: [[Float]] = []
      for cells in Self.cells {
        for index in 0..<cells * cells {
          priors.append([(Float(index % cells) + 0.5) / Float(cells), (Float(index / cells) + 0.5) / Float(cells)])
        }
      }
      let centres = graph.constant(priors.flatMap { layout == .ssd ? $0 : [$0[1], $0[0]] }, [1, 80, 2])
      let sizes = graph.constant([Float](repeating: 0.2, count: 160), [1, 80, 2])
      func half(_ range: Range<Int64>) -> ValueID {
        graph.add(
          "Slice", shifts, graph.integers([range.lowerBound]), graph.integers([range.upperBound]), graph.integers([2]))
      }
      let tenth = scalar(0.1), two = scalar(2)
      let moved = graph.add("Add", centres, graph.add("Mul", graph.add("Mul", half(0..<2), tenth), sizes))
      let grown = graph.add("Mul", sizes, graph.add("Exp", graph.add("Mul", half(2..<4), tenth)))
      let radius = graph.add("Div", grown, two)
      let first = graph.add("Sub", moved, radius), last = graph.add("Add", moved, radius)
      graph.output(graph.joined(first, last, axis: 2), "boxes")
      graph.output(graph.add("Softmax", raw, with: ["axis": .int(-1)]), "scores")
    }
  }

  /// The layouts of networks that give a value for each scale.
  enum ListLayout: CaseIterable {
    /// A list of scores and one of distances for each scale: NanoDet's old layout.
    case lists
    /// Maps of as many channels as the boxes of a cell have numbers: EfficientDet's.
    case maps
    /// Maps with an axis for three boxes a cell, and one for their numbers, which no Sigmoid made: YOLOv5's.
    case anchors
  }

  /// Adds outputs `a0`, `a1`, `b0`, … and gives what says what they hold.
  mutating func make(_ layout: ListLayout) -> [String] {
    for (scale, cells) in Self.cells.enumerated() {
      let side = Int64(cells)
      switch layout {
      case .lists:
        graph.output(graph.byBox(graph.add("Sigmoid", branch(scale, 3))), "a\(scale)")
        graph.output(graph.byBox(branch(scale, 8)), "b\(scale)")
      case .maps:
        graph.output(graph.add("Reshape", branch(scale, 2 * 3), graph.integers([1, 6, side, side])), "a\(scale)")
        graph.output(graph.add("Reshape", branch(scale, 2 * 4), graph.integers([1, 8, side, side])), "b\(scale)")
      case .anchors:
        let split = graph.add("Reshape", branch(scale, 3 * 8), graph.integers([1, 3, 8, side, side]))
        graph.output(graph.add("Transpose", split, with: ["perm": .ints([0, 1, 3, 4, 2])]), "a\(scale)")
      }
    }
    switch layout {
    case .lists: return ["a0=score*3", "b0=ltrb/cells*2", "a1=score*3", "b1=ltrb/cells*2"]
    case .maps: return ["a0=score*3", "a1=score*3", "b0=cxcywh/cells", "b1=cxcywh/cells"]
    case .anchors: return ["a0=box,objectness,score*3", "a1=box,objectness,score*3"]
    }
  }

  private mutating func joinedBranches(_ count: Int) -> ValueID {
    let parts = Self.cells.indices.map { branch($0, count) }
    return graph.joined(parts[0], parts[1], axis: 2)
  }
}
