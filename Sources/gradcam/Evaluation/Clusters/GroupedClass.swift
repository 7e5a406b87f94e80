import GradCAM

/// The maps of a class by a method, in groups.
struct GroupedClass: Encodable {
  struct Group: Encodable {
    /// The number of its maps.
    let size: Int
    /// The share of its maps' nearest neighbours that are in other groups.
    let neighbours_outside: Double
    /// By metric, the mean over its maps; nil if the metric is not defined for them.
    let means: [String: Double?]
    /// The image of each map: those nearest to the mean map first.
    let images: [String]
    /// The mean map, and the first images with their maps, which pages show.
    let mean: HeatMap
    let nearest: [(image: String, map: HeatMap)]

    /// How many images of a group are shown at most.
    static let mostShown = 12

    private enum CodingKeys: String, CodingKey { case size, neighbours_outside, means, images }
  }

  /// A group whose maps show what lies outside of the boxes.
  struct Background: Encodable {
    /// Its number, from 1.
    let group: Int
    /// The mean share of the maps' sums inside the boxes, of its maps and of the others.
    let inside, inside_of_others: Double
  }

  let method: String
  /// The class; nil if something else is explained.
  @Nullable var `class`: Int?
  @Nullable var label: String?
  /// The number of maps that have evidence and were kept, of those that have none, and of those beyond the most that are
  /// grouped.
  let maps, empty, left_out: Int
  /// The smallest eigenvalues of the graph of neighbours.
  var eigenvalues: [Double] = []
  /// The largest first; none if there are too few maps.
  var groups: [Group] = []
  /// The groups that look beside the objects, for certain.
  var background: [Background] = []
  /// For each group, its maps in a plane.
  var places: [[(x: Double, y: Double)]] = []

  private enum CodingKeys: String, CodingKey {
    case method, `class`, label, maps, empty, left_out, eigenvalues, groups, background
  }

  /// What is explained, for reading.
  var name: String { label ?? `class`.map { "class \($0)" } ?? "what is explained" }

  /// The maps that are in no group, in words; nil if all are.
  var omissions: String? {
    let parts = [
      empty > 0 ? "\(empty) without evidence" : nil, left_out > 0 ? "\(left_out) beyond the first \(maps)" : nil,
      groups.isEmpty ? "too few for groups" : nil,
    ].compactMap { $0 }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// What a group that looks beside the objects does, in words.
  func text(_ background: Background) -> String {
    "\(percent(background.inside)) of the evidence in its maps lies inside the boxes, of that in the others "
      + percent(background.inside_of_others)
  }
}

extension [GroupedClass] {
  /// The most rows that are printed.
  private static let mostPrinted = 20

  func describe() throws {
    guard !isEmpty else { return }
    var table = Table(["method", "class", " maps", "groups", "in no group"])
    for each in prefix(Self.mostPrinted) {
      table.add(
        each.method, each.name, "\(each.maps)",
        each.groups.isEmpty
          ? "–" : each.groups.enumerated().map { "\(letter($0)) \($1.size)" }.joined(separator: ", "),
        each.omissions ?? "–")
    }
    try Console.print(table)
    if count > Self.mostPrinted {
      try Console.print("… \(count - Self.mostPrinted) more with --json or in the --report")
    }
    for each in self {
      for background in each.background {
        try Console.print(
          "Group \(letter(background.group - 1)) of \(each.name) by \(each.method) looks beside the object: "
            + "\(each.text(background)).")
      }
    }
  }
}
