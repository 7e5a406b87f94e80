import Graph

/// A part of a detector's box that can be explained instead of its score: `mask:0`, `keypoint:0,nose`, `angle:0`.
struct BoxPart: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    /// The sum of the raw numbers of its mask inside of the box.
    case mask
    /// The score of a key point, by name or number, or its column or row if `.x` or `.y` follows.
    case keypoint(String)
    /// The angle, in radians.
    case angle
  }

  let kind: Kind
  /// The rank of the box by its score, from 0.
  let rank: Int

  /// Nil for a text of another form.
  init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let words = parts[1].split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
    guard let rank = words.first.flatMap({ Int($0) }), rank >= 0 else { return nil }
    switch (parts[0], words.count) {
    case ("mask", 1): kind = .mask
    case ("angle", 1): kind = .angle
    case ("keypoint", 2): kind = .keypoint(String(words[1].drop { $0 == " " }))
    default: return nil
    }
    self.rank = rank
  }
}

/// The names of COCO's key points, which networks of 17 have unless they say otherwise.
let cocoKeypoints = [
  "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
  "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
  "right_ankle",
]

/// One of the numbers of a box.
private struct BoxNumberTarget: Target {
  let name, description: String
  let boxes: DetectedBoxes?
  let position: Int

  func score(_ contents: [Float]) -> Float { contents[position] }

  func gradient(_ contents: [Float]) -> [Float] {
    var gradient = [Float](repeating: 0, count: contents.count)
    gradient[position] = 1
    return gradient
  }
}

/// The raw numbers of a box's mask, summed over the box: prototypes weighted by the coefficients of the box.
///
/// Computed from both in one value, as `JoinedOutputs` makes it.
private struct MaskTarget: Target {
  let name, description: String
  let boxes: DetectedBoxes?
  /// Where the coefficients lie, one for each prototype.
  let coefficients: [Int]
  /// Where the prototypes start, one after another, and how many positions each has.
  let start, plane: Int
  /// The positions of a prototype inside of the box.
  let positions: [Int]

  func score(_ contents: [Float]) -> Float {
    Float(
      coefficients.indices.reduce(0.0) { sum, channel in
        sum + Double(contents[coefficients[channel]]) * Double(prototypeSum(channel, contents))
      })
  }

  func gradient(_ contents: [Float]) -> [Float] {
    var gradient = [Float](repeating: 0, count: contents.count)
    for (channel, place) in coefficients.enumerated() {
      gradient[place] += prototypeSum(channel, contents)
      for position in positions { gradient[start + channel * plane + position] += contents[place] }
    }
    return gradient
  }

  private func prototypeSum(_ channel: Int, _ contents: [Float]) -> Float {
    positions.reduce(0) { $0 + contents[start + channel * plane + $1] }
  }
}

/// Two outputs of a model, one after the other in one value, so that targets can be computed from both.
struct JoinedOutputs: Sendable {
  /// The outputs.
  let values: [ValueID]
  /// The value, of the model that joins them.
  let value: ValueID
  /// The shape of the second.
  let second: Shape
  /// Where the second starts.
  let start: Int

  /// - Parameters:
  ///   - first, second: what is joined, of one image.
  ///   - planner: one for the model.
  init(_ first: ModelOutput, _ second: ModelOutput, by planner: ModelPlanner) {
    values = [first.value, second.value]
    value = planner.adding([.joined(values)]).model.value(of: .joined(values))!
    (self.second, start) = (second.info.shape, first.info.shape.count)
  }
}

extension PlannedTarget {
  /// The prototypes of which a box's mask is made, joined with the scores' value, which holds its coefficients.
  ///
  /// Throws `unsupported` if the model has no masks of this form.
  static func prototypes(
    of layout: DetectionLayout, by planner: ModelPlanner, _ inferred: InferredGraph
  ) throws -> JoinedOutputs {
    let model = planner.model
    let count = layout.tables.scores.numbers { $0 == .mask }.count
    let outputs = model.outputs(inferred)
    let fitting = outputs.filter { output in
      let shape = output.info.shape
      return shape.rank == 4 && shape[0] == 1 && shape[1] == count && output.info.elementType.isFloatingPoint
    }
    guard count > 0, fitting.count == 1, let scores = inferred.infos[layout.scores] else {
      throw GradCAMError(
        .unsupported, at: "\(.target, "mask")",
        problem: "boxes have \(count) coefficients of a mask, and \(fitting.count) outputs hold as many prototypes",
        advice: "describe the coefficients with \(.columns, as: "OUTPUT=…,mask*32"), or explain the score of the box")
    }
    return JoinedOutputs(ModelOutput(layout.scores, scores, of: model.graph), fitting[0], by: planner)
  }
}

extension Explainer {
  /// A part of a box of an image.
  ///
  /// - Parameters:
  ///   - layout: the layout that the explainer was planned for, with its other values kept.
  ///   - joined: for a mask, what the explainer was planned to explain.
  ///   - overlap: as for a box.
  ///
  /// Throws `usage` if there is no such box or key point, `unsupported` if boxes have no such part.
  func boxPartTarget(
    _ part: BoxPart, _ layout: DetectionLayout, joined: JoinedOutputs?, overlap: Float?, of observation: Observation
  ) throws -> any Target {
    let box = try detectionTarget(layout, rank: part.rank, overlap: overlap, of: observation)
    let table = layout.tables.scores, owner = box.label.map { "\($0) in box" } ?? "box"
    func number(_ name: String, _ what: String, _ number: Int) -> any Target {
      BoxNumberTarget(
        name: "\(name)-box\(box.box)", description: "\(what) of \(owner) \(box.box)", boxes: box.boxes,
        position: table.position(number, box.box))
    }
    switch part.kind {
    case .angle:
      guard let angle = table.meanings.firstIndex(of: .angle) else {
        throw noPart("angle", "boxes have no angle in '\(table.name)'")
      }
      return number("angle", "angle", angle)
    case .keypoint(let name):
      let (index, name, what) = try keypoint(name, table, layout)
      return number(name, what, index)
    case .mask:
      let coefficients = table.numbers { $0 == .mask }
      guard let joined, let outline = box.place?.outline else {
        throw noPart("mask", "the place of the box is not known, over which its mask would be summed")
      }
      let rows = joined.second[2], columns = joined.second[3], size = observation.planner.inputSize
      let positions = outline.positions(
        rows: rows, columns: columns, cell: (Double(size.width) / Double(columns), Double(size.height) / Double(rows)))
      guard !positions.isEmpty else {
        throw noPart("mask", "the box lies outside of the picture")
      }
      return MaskTarget(
        name: "mask-box\(box.box)",
        description:
          "mask of \(owner) \(box.box), summed over the box (\(positions.count) of \(rows * columns) positions)",
        boxes: box.boxes, coefficients: coefficients.map { table.position($0, box.box) }, start: joined.start,
        plane: rows * columns, positions: positions)
    }
  }

  private func noPart(_ part: String, _ problem: String) -> GradCAMError {
    GradCAMError(
      .unsupported, at: "\(.target, part)", problem: "\(problem)",
      advice: "explain the score of the box with \(.detection, as: "K"), or say with \(.columns) what its numbers are")
  }

  /// Which number of a box is meant, with its name for files and in words.
  private func keypoint(
    _ text: String, _ table: BoxTable, _ layout: DetectionLayout
  ) throws -> (number: Int, name: String, what: String) {
    let numbers = table.numbers { $0 == .keypoint }
    guard let width = layout.keypointWidth else {
      throw noPart(
        "keypoint",
        numbers.isEmpty
          ? "boxes have no key points in '\(table.name)'"
          : "nothing says how many of the \(numbers.count) numbers belong to each key point")
    }
    let count = numbers.count / width, names = count == cocoKeypoints.count ? cocoKeypoints : []
    var name = text, offset: Int?
    for (place, suffix) in [".x", ".y"].enumerated() where text.hasSuffix(suffix) {
      (name, offset) = (String(text.dropLast(2)), place)
    }
    guard let index = names.firstIndex(of: name) ?? Int(name), (0..<count).contains(index) else {
      throw GradCAMError(
        .usage, at: "\(.target, "keypoint")", problem: "there is no key point '\(name)'",
        advice: "use 0 to \(count - 1)" + (names.isEmpty ? "" : ", or one of \(names.joined(separator: ", "))"))
    }
    let shown = names.isEmpty ? "key point \(index)" : names[index]
    guard let offset = offset ?? (width > 2 ? 2 : nil) else {
      throw GradCAMError(
        .usage, at: "\(.target, "keypoint")", problem: "key points have no score here",
        advice: "write \(name).x or \(name).y for a coordinate")
    }
    let what = ["column of \(shown)", "row of \(shown)", "score of \(shown)"][offset]
    return (numbers[index * width + offset], names.isEmpty ? "keypoint\(index)" : names[index], what)
  }
}

extension OrientedBox {
  /// The positions of a grid, row by row, whose centres lie inside; the nearest one if none does and the centre is
  /// inside of the grid.
  ///
  /// - Parameter cell: the width and height of a position in pixels.
  fileprivate func positions(rows: Int, columns: Int, cell: (width: Double, height: Double)) -> [Int] {
    let (cosine, sine) = (cos(angle), sin(angle))
    let found = (0..<rows * columns).filter { position in
      let dx = (Double(position % columns) + 0.5) * cell.width - x
      let dy = (Double(position / columns) + 0.5) * cell.height - y
      return abs(dx * cosine + dy * sine) <= width / 2 && abs(dy * cosine - dx * sine) <= height / 2
    }
    let (column, row) = ((x / cell.width).rounded(.down), (y / cell.height).rounded(.down))
    guard found.isEmpty, (0..<Double(columns)).contains(column), (0..<Double(rows)).contains(row) else { return found }
    return [Int(row) * columns + Int(column)]
  }
}
