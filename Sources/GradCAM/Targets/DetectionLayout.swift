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
  /// What was assumed.
  public let warnings: [Warning]

  /// The value that holds the scores: the explained value of an explainer.
  public var scores: ValueID { scoreTable.value }
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
  ///   - areRaw: whether no Softmax or Sigmoid made the scores.
  ///
  /// Throws `usage` if they do not describe one score for each box, or different numbers of boxes.
  init(_ tables: [BoxTable], labelCount: Int?, areRaw: Bool, warnings: [Warning]) throws {
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
    ranksBySoftmax = areRaw && all.count > scores.count
    self.warnings = warnings
  }

  /// Where the factors of a score of a box lie.
  ///
  /// - Parameter score: which of its class scores.
  func factors(box: Int, score: Int = 0) -> [Int] {
    ((objectness.map { [$0] } ?? []) + [classScores[score].number]).map { scoreTable.position($0, box) }
  }

  /// The four numbers of a box; none if no value holds them.
  ///
  /// - Parameter contents: the elements of a value.
  func coordinates(_ box: Int, in contents: (ValueID) throws -> [Float]) rethrows -> [Float] {
    guard let boxTable else { return [] }
    let elements = try contents(boxTable.value)
    return boxTable.numbers(\.isBox).map { elements[boxTable.position($0, box)] }
  }

  /// A score of a box, with what it is ranked by.
  struct RankedScore {
    let box: Int
    /// Which of the box's class scores.
    let score: Int
    let classIndex: Int?
    let rank: Float
  }

  /// The best score of each box, or that of a class; of a box that names another class, none.
  ///
  /// - Parameter contents: the elements of a value.
  func bestScores(ofClass wanted: Int?, in contents: (ValueID) throws -> [Float]) rethrows -> [RankedScore] {
    let elements = try contents(scores), classes = try classTable.map { try contents($0.value) }
    let competing = scoreTable.numbers { [.score, .background].contains($0) }
    return (0..<boxCount).compactMap { box in
      let named = classes.flatMap { Int(exactly: classTable!.element(.class, of: box, in: $0).rounded()) }
      let candidates = classScores.indices.compactMap { index -> RankedScore? in
        let classIndex = named ?? classScores[index].classIndex
        guard wanted == nil || classIndex == wanted else { return nil }
        var rank = factors(box: box, score: index).reduce(1) { $0 * elements[$1] }
        if ranksBySoftmax {
          rank = 1 / competing.reduce(0) { $0 + exp(elements[scoreTable.position($1, box)] - rank) }
        }
        return RankedScore(box: box, score: index, classIndex: classIndex, rank: rank)
      }
      return candidates.max { $0.rank < $1.rank }
    }
  }

  /// The classes that scores are known of; nil if boxes name their own.
  var knownClasses: [Int]? { namesClasses ? nil : classScores.compactMap(\.classIndex) }
}

extension BoxTable {
  /// The first number of a box with a meaning.
  fileprivate func element(_ meaning: BoxColumns.Meaning, of box: Int, in elements: [Float]) -> Float {
    elements[position(meanings.firstIndex(of: meaning)!, box)]
  }
}
