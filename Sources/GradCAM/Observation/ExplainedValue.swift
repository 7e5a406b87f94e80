import Graph

/// What a target is computed from.
struct ExplainedValue: Sendable, Equatable {
  let value: ValueID
  /// What the model has besides the values of its file, if it is one of these; else nothing.
  let added: [AddedValue]
  /// Whether it is taken of all images of a run together.
  let isOfAllImages: Bool
  /// Whether it is a detector's boxes.
  let isOfBoxes: Bool
}

extension Observation {
  /// What its targets are computed from.
  var explained: ExplainedValue {
    let isAdded = model.added.contains { $0.value == focus.explained }
    return ExplainedValue(
      value: focus.explained, added: isAdded ? model.added.map(\.what) : [], isOfAllImages: focus.explainsAllImages,
      isOfBoxes: focus.explainsBoxes)
  }

  /// The same image, asked for targets of a value: itself if its own are of that, else without taps.
  ///
  /// The network runs again if it is open for no other questions, or if the value is not one of the file.
  func focused(on explained: ExplainedValue) throws -> Observation {
    guard explained != self.explained else { return self }
    let planner = planner.adding(explained.added)
    let focus = try planner.focus(on: explained)
    return planner === self.planner ? try focused(on: focus) : try Observation(planner, image, focus)
  }
}
