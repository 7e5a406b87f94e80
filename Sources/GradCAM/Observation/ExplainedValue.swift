import Graph

/// What a target is computed from.
struct ExplainedValue: Sendable, Equatable {
  let value: ValueID
  /// The values that it joins, if the file does not have it; else none.
  let joined: [ValueID]
  /// Whether it is taken of all images of a run together.
  let isOfAllImages: Bool
}

extension Observation {
  /// What its targets are computed from.
  var explained: ExplainedValue {
    let joined = model.joined.flatMap { $0.value == focus.explained ? $0.values : nil }
    return ExplainedValue(value: focus.explained, joined: joined ?? [], isOfAllImages: focus.explainsAllImages)
  }

  /// The same image, asked for targets of a value: itself if its own are of that, else without taps.
  ///
  /// The network runs again if it is open for no other questions, or if the value joins others.
  func focused(on explained: ExplainedValue) throws -> Observation {
    guard explained != self.explained else { return self }
    let planner = explained.joined.isEmpty ? planner : planner.joining(explained.joined)
    let focus = try planner.focus(on: explained)
    return planner === self.planner ? try focused(on: focus) : try Observation(planner, image, focus)
  }
}
