import Graph

/// What the numbers of each of a detector's boxes mean, in their order: `cxcywh,score*80,angle`.
///
/// Written as meanings separated by commas; `*N` repeats one, and `*` alone as often as there are numbers left. A box may
/// say its unit: `cxcywh/px`. `ltrb*N` means that each of its four numbers is the mean of 0 … N - 1, of which the columns
/// hold the logarithms of the probabilities, as in NanoDet.
public struct BoxColumns: Sendable, Equatable, CustomStringConvertible {
  /// What a number holds.
  public enum Meaning: String, Sendable, CaseIterable {
    /// Four numbers: the centre, width and height of the box.
    case cxcywh
    /// Four numbers: two opposite corners.
    case xyxy
    /// Four numbers: the upper left corner, width and height.
    case xywh
    /// Four numbers: two opposite corners, the row first.
    case yxyx
    /// Four numbers: the distances of the left, upper, right and lower edge from a point of the box's own cell.
    case ltrb
    /// Four numbers that describe the box in some way.
    case box
    /// The score of the box itself, by which those of classes are multiplied.
    case objectness
    /// The score of a class, or of the class that `class` names.
    case score
    /// The score that there is nothing.
    case background
    /// The number of the box's class.
    case `class`
    /// The angle of the box.
    case angle
    /// A number of a key point.
    case keypoint
    /// A coefficient of the box's mask.
    case mask
    /// Something that does not matter.
    case skip

    /// How many numbers it takes.
    var width: Int { isBox ? 4 : 1 }
    var isBox: Bool { self == .box || form != nil }
    /// How four numbers describe a box; nil if it does not say.
    var form: BoxForm.Numbers? { BoxForm.Numbers(rawValue: rawValue) }
  }

  /// A meaning that is repeated.
  struct Run: Sendable, Equatable {
    let meaning: Meaning
    /// How often; nil means as often as there are numbers left.
    let count: Int?
    /// The unit of a box; nil if it is not said.
    var unit: BoxForm.Unit?

    init(_ meaning: Meaning, _ count: Int? = 1, unit: BoxForm.Unit? = nil) {
      (self.meaning, self.count, self.unit) = (meaning, count, unit)
    }
  }

  let runs: [Run]

  init(_ runs: [Run]) { self.runs = runs }

  /// Reads the text form.
  ///
  /// Throws `usage` if it cannot be read, or has no meaning that fits together.
  public init(_ text: String) throws {
    func error(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: "\(.columns, text)", problem: "\(problem)", advice: "\(advice)")
    }
    runs = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let pieces = part.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
      let words = pieces[0].filter { $0 != " " }.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(words.first ?? ""), number = pieces.dropFirst().first?.filter { $0 != " " }
      guard let meaning = Meaning(rawValue: name) else {
        throw error("'\(name)' is not known", "choose from \(Meaning.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      if words.count > 1 {
        guard let unit = BoxForm.Unit(String(words[1])), meaning.form != nil,
          unit != .cells || [.cxcywh, .ltrb].contains(meaning), unit != .corners || meaning == .ltrb,
          number == nil || meaning == .ltrb
        else {
          throw error(
            "'\(part)' has no unit",
            "write \(name)/px for pixels of the network's input, \(name)/1 for shares of it, "
              + "cxcywh/cells for YOLOX's distances from the box's own cell, or ltrb/cells for those of edges")
        }
        guard number != nil else { return Run(meaning, unit: unit) }
        guard let count = number.flatMap({ Int($0) }), (2...1_024).contains(count) else {
          throw error("'\(part)' repeats nothing", "write ltrb/cells*8 if each distance is the mean of 0 to 7")
        }
        return Run(meaning, count, unit: unit)
      }
      guard let number, !number.isEmpty else { return Run(meaning, number == nil ? 1 : nil) }
      guard let count = Int(number), (1...65_536).contains(count) else {
        throw error("'\(part)' repeats nothing", "write \(name)*N, or \(name)* for all numbers that are left")
      }
      return Run(meaning, count)
    }
    let boxes = runs.count { $0.meaning.isBox }, once: [Meaning] = [.objectness, .class]
    guard boxes < 2, runs.allSatisfy({ !$0.meaning.isBox || $0.count == 1 || $0.meaning == .ltrb && $0.count != nil }),
      once.allSatisfy({ meaning in runs.filter { $0.meaning == meaning }.allSatisfy { $0.count == 1 } }),
      once.allSatisfy({ meaning in runs.count { $0.meaning == meaning } < 2 }),
      runs.count(where: { $0.count == nil }) < 2
    else {
      throw error(
        "does not describe one box", "give one box, objectness and class at most, and one '*' without a number")
    }
  }

  /// The text form.
  public var description: String {
    runs.map { run in
      run.meaning.rawValue + (run.unit.map { "/\($0)" } ?? "")
        + (run.count == 1 ? "" : "*" + (run.count.map { "\($0)" } ?? ""))
    }.joined(separator: ",")
  }

  /// The meaning of each of `count` numbers, those of a box four times; nil if there are too many or too few.
  func meanings(of count: Int) -> [Meaning]? {
    let fixed = runs.reduce(0) { $0 + ($1.count ?? 0) * $1.meaning.width }
    guard isOpen ? fixed <= count : fixed == count else { return nil }
    return runs.flatMap { run in
      [Meaning](repeating: run.meaning, count: (run.count ?? count - fixed) * run.meaning.width)
    }
  }

  /// How many numbers a box has; nil if that is open.
  var width: Int? { isOpen ? nil : runs.reduce(0) { $0 + $1.count! * $1.meaning.width } }

  /// Whether it fits different numbers of numbers.
  var isOpen: Bool { runs.contains { $0.count == nil } }
}

/// A value of a model of which each row, or each column, describes a box.
struct BoxTable: Sendable {
  /// The axis of a table of two that counts the numbers of a box.
  enum Axis: Int { case first, second }

  let value: ValueID
  let name: String
  let boxCount: Int
  let meanings: [BoxColumns.Meaning]
  /// The axis of the value that counts the numbers of a box; nil if there is none.
  let numberAxis: Int?
  /// What the columns say about the numbers of a box.
  let form: (numbers: BoxForm.Numbers?, unit: BoxForm.Unit?)
  /// The strides between the numbers of a box, and between boxes.
  private let strides: (number: Int, box: Int)

  /// - Parameters:
  ///   - axis: the axis that counts the numbers of a box; nil means the one that they fit.
  ///
  /// Nil if the shape, without leading ones, is no table, or the columns do not fit it on exactly one axis.
  init?(_ output: ModelOutput, _ columns: BoxColumns, axis known: Axis? = nil) {
    guard let axes = output.tableAxes else { return nil }
    let (rows, width) = (output.info.shape[axes.rows], axes.columns.map { output.info.shape[$0] } ?? 1)
    let extents = [rows, width]
    var fitting = [Axis.first, .second].filter { columns.meanings(of: extents[$0.rawValue]) != nil }
    if let known { fitting = fitting.filter { $0 == known } }
    // What the file leaves open is the number of boxes.
    if fitting.count > 1, let open = output.openAxis {
      fitting = [open == axes.rows ? .second : .first]
    }
    // What is left open fits both: there are more boxes than numbers of a box.
    if fitting.count > 1, columns.isOpen || rows == 1 || width == 1 {
      fitting = [rows < width ? .first : .second]
    }
    guard fitting.count == 1 else { return nil }
    (value, name) = (output.value, output.name)
    let box = columns.runs.first { $0.meaning.isBox }
    form = (box?.meaning.form, box?.unit)
    meanings = columns.meanings(of: extents[fitting[0].rawValue])!
    boxCount = extents[1 - fitting[0].rawValue]
    strides = fitting[0] == .first ? (width, 1) : (1, width)
    numberAxis = fitting[0] == .first ? axes.rows : axes.columns
  }

  /// Where a number of a box lies among the elements of the value.
  func position(_ number: Int, _ box: Int) -> Int { number * strides.number + box * strides.box }

  /// The numbers with a meaning.
  func numbers(_ isMeant: (BoxColumns.Meaning) -> Bool) -> [Int] { meanings.indices.filter { isMeant(meanings[$0]) } }
}

extension ModelOutput {
  /// The axes of a table: of all axes, two have more than one index, or as many as are left without leading ones.
  ///
  /// A vector is a column. Nil for any other shape.
  var tableAxes: (rows: Int, columns: Int?)? {
    let shape = info.shape
    var axes = shape.dimensions.indices[...]
    while axes.count > 2, shape[axes.first!] == 1 { axes.removeFirst() }
    var kept = Array(axes)
    while kept.count > 2, let single = kept.firstIndex(where: { shape[$0] == 1 }) { kept.remove(at: single) }
    guard let rows = kept.first, kept.count < 3 else { return nil }
    return (rows, kept.count == 2 ? kept[1] : nil)
  }
}
