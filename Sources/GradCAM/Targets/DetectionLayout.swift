import Graph

/// How a detector's outputs hold boxes with the scores of their classes.
public struct DetectionLayout: Sendable {
  private let scoreTable: BoxTable
  private let boxTable, classTable: BoxTable?
  /// The number of a box that is its own score.
  private let objectness: Int?
  /// The numbers of a box that are class scores, with their classes; nil if it is not known which class it is.
  private let classScores: [(number: Int, classIndex: Int?)]
  /// Whether raw scores compete with that of nothing, so that boxes are ranked by a softmax over them.
  private let ranksBySoftmax: Bool
  /// By how much the numbers with which boxes name classes exceed those of the classes.
  private let classShift: Int
  /// Whether no Softmax or Sigmoid is known to have made the scores.
  private let areRaw: Bool
  /// How the numbers of a box describe it; nil if that is not known.
  private(set) var form: BoxForm?
  /// The feature maps that boxes are read from; nil if each is not read from one cell: the network selects boxes itself.
  private(set) var scales: BoxScales?
  /// How many numbers a key point has: two places, and a score if there are three; nil if that is not known.
  private(set) var keypointWidth: Int?
  /// The size of the network's input.
  private var size = PixelSize(width: 1, height: 1)
  /// What was assumed.
  public private(set) var warnings: [Warning]

  /// The value that holds the scores: the explained value of an explainer.
  public var scores: ValueID { scoreTable.value }
  /// The tables that hold scores and boxes.
  var tables: (scores: BoxTable, boxes: BoxTable?) { (scoreTable, boxTable) }
  /// The other values that are needed, such as that of the boxes.
  public var others: [ValueID] { [boxTable, classTable].compactMap { $0?.value }.filter { $0 != scores } }
  /// The number of boxes.
  public var boxCount: Int { scoreTable.boxCount }
  /// The number of class scores of a box; 1 if the box has the score of one class, which it names.
  public var classCount: Int { classScores.count }
  /// Whether a box has a score of its own, by which those of its classes are multiplied.
  public var hasObjectness: Bool { objectness != nil }
  /// Whether each box names its class.
  public var namesClasses: Bool { classTable != nil }

  /// Puts described outputs together.
  ///
  /// The classes are numbered in the order of their scores; a score of nothing counts among them, unless there are as
  /// many labels as other scores.
  /// - Parameters:
  ///   - labelCount: the number of classes that have names, if known.
  ///   - classShift: by how much the numbers with which boxes name classes exceed those of the classes.
  ///   - areRaw: whether no Softmax or Sigmoid made the scores.
  ///
  /// Throws `usage` if they do not describe one score for each box, or different numbers of boxes.
  init(_ tables: [BoxTable], labelCount: Int?, classShift: Int = 0, areRaw: Bool, warnings: [Warning]) throws {
    func error(_ problem: Message, _ advice: Message) -> GradCAMError {
      GradCAMError(.usage, at: "\(.columns)", problem: problem, advice: advice)
    }
    func only(_ what: String, _ isMeant: (BoxColumns.Meaning) -> Bool) throws -> BoxTable? {
      let found = tables.filter { $0.meanings.contains(where: isMeant) }
      guard found.count < 2 else {
        throw error("\(what) stand in '\(found[0].name)' and in '\(found[1].name)'", "describe one of them with skip*")
      }
      return found.first
    }
    guard let scoreTable = try only("scores", { $0 == .score }) else {
      throw error("no number is a score", "write score, or score*N for those of N classes")
    }
    if let objectness = try only("scores of boxes", { $0 == .objectness }), objectness.value != scoreTable.value {
      throw error(
        "the scores of boxes, in '\(objectness.name)', and those of classes, in '\(scoreTable.name)', are multiplied "
          + "outside of the network", "leave objectness out, or name the number with \(.target)")
    }
    (boxTable, classTable) = (try only("boxes", \.isBox), try only("classes", { $0 == .class }))
    if let other = tables.first(where: { $0.boxCount != scoreTable.boxCount }) {
      throw error(
        "there are \(scoreTable.boxCount) boxes in '\(scoreTable.name)', but \(other.boxCount) in '\(other.name)'",
        "describe outputs that belong together")
    }
    self.scoreTable = scoreTable
    objectness = scoreTable.meanings.firstIndex(of: .objectness)
    let scores = scoreTable.numbers { $0 == .score }, all = scoreTable.numbers { [.score, .background].contains($0) }
    guard classTable == nil || scores.count == 1 else {
      throw error("each box has \(scores.count) scores and names a class", "describe one of them with skip")
    }
    classScores = scores.map { number -> (number: Int, classIndex: Int?) in
      if scores.count == 1, labelCount.map({ $0 > 1 }) ?? false, all.count == 1 { return (number, nil) }
      return (number, (labelCount == scores.count ? scores : all).firstIndex(of: number)!)
    }
    (self.areRaw, self.classShift) = (areRaw, classShift)
    ranksBySoftmax = areRaw && all.count > scores.count
    self.warnings = warnings
  }

  /// How numbers describe a box, and whether that is assumed in part.
  typealias Form = (form: BoxForm, isAssumed: Bool)

  /// The same with what is known of the boxes over an input of a size.
  ///
  /// - Parameters:
  ///   - keypointWidth: how many numbers a key point has, if the metadata says so.
  ///   - form: finds how numbers describe a box in a table, if it has any.
  ///   - merges: whether boxes that overlap are to be merged if the network does not select them itself.
  func describing(
    over size: PixelSize, _ scales: BoxScales?, keypointWidth: Int?, merges: Bool, _ form: (BoxTable) -> Form?
  ) -> DetectionLayout {
    var layout = self
    (layout.size, layout.scales) = (size, scales)
    // Of two places and perhaps a score, if the number of numbers leaves no choice.
    let count = scoreTable.numbers { $0 == .keypoint }.count
    let fitting = [2, 3].filter { count > 0 && count % $0 == 0 && (keypointWidth ?? $0) == $0 }
    layout.keypointWidth = fitting.count == 1 ? fitting[0] : nil
    let isMerged = scales != nil && merges
    guard let boxTable else {
      guard isMerged else { return layout }
      let text: Message =
        "nothing says which numbers in '\(scoreTable.name)' or elsewhere are the box, so boxes of the same object count "
        + "each, and none is drawn; \(.columns) describes them"
      layout.warnings.append(Warning(code: .boxesNotMerged, text: text))
      return layout
    }
    if let (form, isAssumed) = form(boxTable), scales != nil || !form.needsCell {
      layout.form = form
      if isAssumed {
        layout.warnings.append(
          Warning(
            code: .columnsAssumed,
            text:
              "the file keeps the numbers of '\(boxTable.name)' within the input, but does not say which of them lie "
              + "across; x first is assumed: \(.columns, as: "\(boxTable.name)=yxyx/px") says otherwise"))
      }
      return layout
    }
    let example: Message = "\(.columns, as: "\(boxTable.name)=\(boxTable.example)")"
    let advice: Message =
      "if they are pixels of the network's input, \(example) says so; /1 means shares of the input, "
      + "and cxcywh/cells distances from the box's cell, as in YOLOX"
    layout.warnings.append(
      isMerged
        ? Warning(
          code: .boxesNotMerged,
          text: "nothing says how the numbers of '\(boxTable.name)' describe a box, so boxes of the same object count "
            + "each, and none is drawn; \(advice)")
        : Warning(
          code: .boxesNotDrawn,
          text: "nothing says how the numbers of '\(boxTable.name)' describe a box, so none is drawn; \(advice)"))
    return layout
  }

  /// Where the factors of a score of a box lie.
  ///
  /// - Parameter score: which of its class scores.
  func factors(box: Int, score: Int = 0) -> [Int] {
    ((objectness.map { [$0] } ?? []) + [classScores[score].number]).map { scoreTable.position($0, box) }
  }

  /// The four numbers of a box, the means if a distribution describes each; none if no value holds them.
  ///
  /// - Parameter contents: the elements of a value.
  func coordinates(_ box: Int, in contents: (ValueID) throws -> [Float]) rethrows -> [Float] {
    guard let boxTable else { return [] }
    let elements = try contents(boxTable.value)
    let numbers = boxTable.numbers(\.isBox).map { elements[boxTable.position($0, box)] }, count = numbers.count / 4
    guard count > 1 else { return numbers }
    return (0..<4).map { side in
      let own = numbers[side * count..<(side + 1) * count], peak = own.max()!
      let weights = own.map { exp($0 - peak) }
      return zip(0..., weights).reduce(0) { $0 + Float($1.0) * $1.1 } / weights.reduce(0, +)
    }
  }

  /// Where a box is over the network's input; nil if that is not known.
  ///
  /// - Parameter contents: the elements of a value.
  func outline(_ box: Int, in contents: (ValueID) throws -> [Float]) rethrows -> OrientedBox? {
    guard let form, let boxTable else { return nil }
    let angle =
      boxTable.meanings.contains(.angle)
      ? boxTable.element(.angle, of: box, in: try contents(boxTable.value)) : 0
    return form.box(
      try coordinates(box, in: contents), angle: angle, cell: scales.map { $0.cells[box] }, over: size)
  }

  /// A box with the scores of its classes.
  struct Proposal {
    let outline: OrientedBox
    /// One for each class: raw ones' sigmoids.
    let classScores: [Float]
    /// The box's own score, else the largest of its classes.
    let objectness: Float
    /// The class that it names; nil if it has a score for each.
    let classIndex: Int?
  }

  /// A box with its scores; nil if its place is not known.
  ///
  /// - Parameter contents: the elements of a value.
  func proposal(_ box: Int, in contents: (ValueID) throws -> [Float]) rethrows -> Proposal? {
    guard let outline = try outline(box, in: contents) else { return nil }
    let elements = try contents(scores)
    let named = try classTable.flatMap {
      Int(exactly: $0.element(.class, of: box, in: try contents($0.value)).rounded())
    }
    func score(_ number: Int) -> Float {
      let score = elements[scoreTable.position(number, box)]
      return areRaw && !(0...1).contains(score) ? sigmoid(score) : score
    }
    let own = classScores.map { score($0.number) }
    return Proposal(
      outline: outline, classScores: own, objectness: objectness.map(score) ?? own.max() ?? 0, classIndex: named)
  }

  /// The share of the area that two boxes may have in common, if none is given: the network selects boxes itself, or
  /// leaves that to others.
  var usualOverlap: Float { scales == nil ? 1 : 0.45 }

  /// Boxes by their scores, best first, without those that overlap a better one of their class.
  ///
  /// - Parameters:
  ///   - wanted: the class by whose score boxes are ranked; nil means each box's best.
  ///   - overlap: the share of their common area that two boxes of a class may share; nil means `usualOverlap`.
  ///   - count: how many are looked for.
  ///   - least: the least score.
  ///   - contents: the elements of a value.
  func best(
    ofClass wanted: Int?, overlap: Float?, count: Int, least: Float = -.infinity,
    in contents: (ValueID) throws -> [Float]
  ) rethrows -> [RankedScore] {
    var elements: [ValueID: [Float]] = [:]
    for value in [scores] + others { elements[value] = try contents(value) }
    let ranked = bestScores(ofClass: wanted, in: { elements[$0]! })
      .filter { $0.probability >= least }.sorted { ($1.rank, $0.box) < ($0.rank, $1.box) }
    let overlap = Double(overlap ?? usualOverlap)
    guard overlap < 1, form != nil else { return Array(ranked.prefix(count)) }
    var kept: [RankedScore] = [], outlines: [Int?: [OrientedBox]] = [:]
    for score in ranked {
      if kept.count == count { break }
      guard let outline = outline(score.box, in: { elements[$0]! }) else { continue }
      guard outlines[score.classIndex]?.contains(where: { $0.overlap(with: outline) > overlap }) != true else {
        continue
      }
      outlines[score.classIndex, default: []].append(outline)
      kept.append(score)
    }
    return kept
  }

  /// A score of a box, with what it is ranked by.
  struct RankedScore: Sendable {
    let box: Int
    /// Which of the box's class scores.
    let score: Int
    let classIndex: Int?
    let rank: Float
    /// What that means as a probability.
    var probability: Float
    /// Whether its factors are raw, so that their sigmoids are multiplied.
    var hasRawFactors = false
  }

  /// The best score of each box, or that of a class; of a box that names another class, none.
  ///
  /// - Parameter contents: the elements of a value.
  func bestScores(ofClass wanted: Int?, in contents: (ValueID) throws -> [Float]) rethrows -> [RankedScore] {
    let elements = try contents(scores), classes = try classTable.map { try contents($0.value) }
    var isProbability = true
    let hasRawFactors = areRaw && objectness != nil && factorsExceedProbabilities(in: elements)
    let competing = scoreTable.numbers { [.score, .background].contains($0) }
    let best = (0..<boxCount).compactMap { box -> RankedScore? in
      let named = classes.flatMap { Int(exactly: classTable!.element(.class, of: box, in: $0).rounded()) }.flatMap {
        $0 < classShift ? nil : $0 - classShift
      }
      let candidates = classScores.indices.compactMap { index -> RankedScore? in
        let classIndex = named ?? classScores[index].classIndex
        guard wanted == nil || classIndex == wanted else { return nil }
        var rank = factors(box: box, score: index).reduce(1) {
          $0 * (hasRawFactors ? sigmoid(elements[$1]) : elements[$1])
        }
        if ranksBySoftmax {
          rank = 1 / competing.reduce(0) { $0 + exp(elements[scoreTable.position($1, box)] - rank) }
        }
        if !(0...1).contains(rank) { isProbability = false }
        return RankedScore(
          box: box, score: index, classIndex: classIndex, rank: rank, probability: rank, hasRawFactors: hasRawFactors)
      }
      return candidates.max { $0.rank < $1.rank }
    }
    guard areRaw, !isProbability else { return best }
    return best.map { score in
      var score = score
      score.probability = sigmoid(score.rank)
      return score
    }
  }

  /// Whether a factor of a score is no probability.
  private func factorsExceedProbabilities(in elements: [Float]) -> Bool {
    let numbers = scoreTable.numbers { [.objectness, .score].contains($0) }
    return (0..<boxCount).contains { box in
      numbers.contains { !(0...1).contains(elements[scoreTable.position($0, box)]) }
    }
  }

  /// The classes that scores are known of; nil if boxes name their own.
  var knownClasses: [Int]? { namesClasses ? nil : classScores.compactMap(\.classIndex) }
}

/// The sigmoid of a raw score.
func sigmoid(_ raw: Float) -> Float { 1 / (1 + exp(-raw)) }

extension BoxTable {
  /// Columns that would say how its boxes are described.
  fileprivate var example: String {
    var runs: [(meaning: BoxColumns.Meaning, count: Int)] = []
    for meaning in meanings {
      if runs.last?.meaning == meaning { runs[runs.count - 1].count += 1 } else { runs.append((meaning, 1)) }
    }
    return runs.map { meaning, count in
      meaning.isBox
        ? meaning == .ltrb
          ? "ltrb/cells" + (count > 4 ? "*\(count / 4)" : "") : "\(meaning == .box ? "cxcywh" : meaning.rawValue)/px"
        : meaning.rawValue + (count > 1 ? "*\(count)" : "")
    }.joined(separator: ",")
  }

  /// The first number of a box with a meaning.
  fileprivate func element(_ meaning: BoxColumns.Meaning, of box: Int, in elements: [Float]) -> Float {
    elements[position(meanings.firstIndex(of: meaning)!, box)]
  }
}
