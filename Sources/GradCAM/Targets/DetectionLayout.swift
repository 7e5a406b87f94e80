import Graph

/// How a detector's outputs hold boxes with the scores of their classes.
public struct DetectionLayout: Sendable {
  /// The value that holds the scores: the explained value of an explainer.
  public let scores: ValueID
  /// The value that holds the boxes; may be the same.
  public let boxes: ValueID
  /// The number of boxes.
  public let boxCount: Int
  /// The number of classes.
  public let classCount: Int
  /// Whether a box has a score of its own, by which those of its classes are multiplied.
  public let hasObjectness: Bool
  /// The number of a box's numbers before its classes' scores.
  private let firstClass: Int
  /// The strides between the numbers of a box, and between boxes, in the scores' value.
  private let strides: (number: Int, box: Int)

  /// Recognises a usual layout.
  ///
  /// - one output 1 × N × (5 + C), as in YOLOv5 and YOLOX: four numbers of the box, its own score, the classes' scores;
  /// - one output 1 × (4 + C) × N, as in YOLOv8: without the box's own score;
  /// - two outputs 1 × N × 4 and 1 × N × C: boxes and scores.
  ///
  /// The number of labels, if known, decides whether the boxes of one output of either order have their own score.
  /// - Parameter labelCount: the number of classes, if known.
  ///
  /// Throws `unsupported` listing the outputs if they are none of these, or more than one.
  public init(_ outputs: [ModelOutput], labelCount: Int?) throws {
    let floats = outputs.filter { $0.info.elementType.isFloatingPoint }
    let lists = floats.filter { $0.info.shape.rank == 3 && $0.info.shape[0] == 1 }
    func unknown(_ problem: String) -> GradCAMError {
      GradCAMError(
        .unsupported, at: "\(.detection)", problem: "\(problem) among the outputs \(outputs.description)",
        advice: "give \(.labels, as: "FILE") to settle the number of classes, or name the score with "
          + "\(.target, as: "'OUTPUT[…]'")")
    }
    let pairs = lists.filter { $0.info.shape[2] == 4 }.flatMap { boxes in
      lists.filter { $0.value != boxes.value && $0.info.shape[1] == boxes.info.shape[1] }.map { (boxes, $0) }
    }
    if pairs.count == 1, floats.count == 2 {
      let shape = pairs[0].1.info.shape
      (boxes, scores) = (pairs[0].0.value, pairs[0].1.value)
      (boxCount, classCount, hasObjectness, firstClass) = (shape[1], shape[2], false, 0)
      strides = (1, shape[2])
      return
    }
    guard pairs.isEmpty, floats.count == 1, lists.count == 1 else {
      throw unknown("boxes with scores are not recognised")
    }
    let shape = lists[0].info.shape, isByBox = shape[1] > shape[2], numbers = min(shape[1], shape[2])
    hasObjectness = labelCount.map { numbers == 5 + $0 } ?? isByBox
    firstClass = hasObjectness ? 5 : 4
    guard shape[1] != shape[2], numbers > firstClass, labelCount == nil || numbers == firstClass + labelCount! else {
      throw unknown("boxes with scores\(labelCount.map { " of \($0) classes" } ?? "") are not recognised")
    }
    // A list of finished detections has as many numbers: corners, score and class.
    guard labelCount != nil || numbers > 6 else {
      throw unknown("boxes with the scores of one class cannot be distinguished from finished detections")
    }
    (scores, boxes) = (lists[0].value, lists[0].value)
    (boxCount, classCount) = (max(shape[1], shape[2]), numbers - firstClass)
    strides = isByBox ? (1, numbers) : (boxCount, 1)
  }

  /// Where the factors of the score of a box's class lie.
  func factors(box: Int, classIndex: Int) -> [Int] {
    (hasObjectness ? [4] : []).map { position($0, box) } + [position(firstClass + classIndex, box)]
  }

  /// The four numbers of a box.
  ///
  /// - Parameter contents: the elements of the boxes' value.
  func coordinates(_ box: Int, in contents: [Float]) -> [Float] {
    (0..<4).map { contents[boxes == scores ? position($0, box) : 4 * box + $0] }
  }

  private func position(_ number: Int, _ box: Int) -> Int { number * strides.number + box * strides.box }
}
