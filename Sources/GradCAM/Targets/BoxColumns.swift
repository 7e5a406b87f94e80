import Graph

/// What the numbers of each of a detector's boxes mean, in their order: `cxcywh,score*80,angle`.
///
/// Written as meanings separated by commas; `*N` repeats one, and `*` alone as often as there are numbers left. A box may
/// say its unit: `cxcywh/px`.
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
        guard let unit = BoxForm.Unit(String(words[1])), meaning.form != nil, unit != .cells || meaning == .cxcywh,
          number == nil
        else {
          throw error(
            "'\(part)' has no unit",
            "write \(name)/px for pixels of the network's input, \(name)/1 for shares of it, "
              + "or cxcywh/cells for YOLOX's distances from the box's own cell")
        }
        return Run(meaning, unit: unit)
      }
      guard let number, !number.isEmpty else { return Run(meaning, number == nil ? 1 : nil) }
      guard let count = Int(number), (1...65_536).contains(count) else {
        throw error("'\(part)' repeats nothing", "write \(name)*N, or \(name)* for all numbers that are left")
      }
      return Run(meaning, count)
    }
    let boxes = runs.count { $0.meaning.isBox }, once: [Meaning] = [.objectness, .class]
    guard boxes < 2, runs.allSatisfy({ !$0.meaning.isBox || $0.count == 1 }),
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
  /// What the columns say about the numbers of a box.
  let form: (numbers: BoxForm.Numbers?, unit: BoxForm.Unit?)
  /// The strides between the numbers of a box, and between boxes.
  private let strides: (number: Int, box: Int)

  /// - Parameters:
  ///   - axis: the axis that counts the numbers of a box; nil means the one that they fit.
  ///
  /// Nil if the shape, without leading ones, is no table, or the columns do not fit it on exactly one axis.
  init?(_ output: ModelOutput, _ columns: BoxColumns, axis known: Axis? = nil) {
    guard let (rows, width) = output.tableExtents else { return nil }
    let extents = [rows, width]
    var fitting = [Axis.first, .second].filter { columns.meanings(of: extents[$0.rawValue]) != nil }
    if let known { fitting = fitting.filter { $0 == known } }
    // What the file leaves open is the number of boxes.
    if fitting.count > 1, let open = output.openAxis {
      fitting = [open == max(0, output.info.shape.rank - 2) ? .second : .first]
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
  }

  /// Where a number of a box lies among the elements of the value.
  func position(_ number: Int, _ box: Int) -> Int { number * strides.number + box * strides.box }

  /// The numbers with a meaning.
  func numbers(_ isMeant: (BoxColumns.Meaning) -> Bool) -> [Int] { meanings.indices.filter { isMeant(meanings[$0]) } }
}

extension ModelOutput {
  /// The two extents of a table, without leading ones; nil for any other shape.
  ///
  /// A vector is a column.
  var tableExtents: (rows: Int, columns: Int)? {
    var extents = info.shape.dimensions[...]
    while extents.count > 2, extents.first == 1 { extents.removeFirst() }
    switch extents.count {
    case 1: return (extents.first!, 1)
    case 2: return (extents.first!, extents.last!)
    default: return nil
    }
  }
}
