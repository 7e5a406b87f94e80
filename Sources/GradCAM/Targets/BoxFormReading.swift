import Graph

// How the numbers of a detector's boxes describe them.
extension DetectionReading {
  /// How the numbers of boxes describe them: as the user says, else as the operators that made them tell, else as the
  /// metadata or the names say.
  func form(of table: BoxTable, _ scales: BoxScales?, isSaid: Bool) -> DetectionLayout.Form? {
    let (numbers, unit) = table.form
    let known = numbers.flatMap { numbers in unit.map { BoxForm(numbers: numbers, unit: $0) } }
    if isSaid, let known { return (known, isAssumed: false) }
    let said = isSaid ? numbers : nil
    if let told = scales.map({ BoxForm(table, numbers: said, $0, of: model, inferred, size: size) })
      ?? formOfShares(table, numbers: said) ?? formBeforeSelection(table, numbers: said)
    {
      return (told, isAssumed: false)
    }
    if let clipped = formOfClipped(table, numbers: numbers, unit) { return clipped }
    return isSaid ? nil : known.map { ($0, isAssumed: false) }
  }

  /// The form of boxes whose numbers one Sigmoid made, which nothing changed afterwards: a centre and a size may each be
  /// anything from 0 to 1; corners may not.
  private func formOfShares(_ table: BoxTable, numbers: BoxForm.Numbers?) -> BoxForm? {
    let made = originsOfBox(table)
    guard let first = made.first, case .sigmoid = first, made.allSatisfy({ $0 == first }) else { return nil }
    return BoxForm(numbers: numbers ?? .cxcywh, unit: .share(1))
  }

  /// The form of boxes whose corners are kept within the input: the limits are its sides, in the boxes' unit and order.
  ///
  /// If the sides are equal, pixels are assumed to be given with x first; shares could be anything.
  private func formOfClipped(
    _ table: BoxTable, numbers: BoxForm.Numbers?, _ unit: BoxForm.Unit?
  ) -> DetectionLayout.Form? {
    let sides = [Double(size.width), Double(size.height)]
    let limits = originsOfBox(table).compactMap {
      if case .limited(let range) = $0, range.lowerBound == 0 { range.upperBound } else { nil }
    }
    guard limits.count == 4, limits[0] == limits[2], limits[1] == limits[3], unit ?? .pixels == .pixels else {
      return nil
    }
    func are(_ sides: [Double]) -> Bool {
      zip(limits, sides).allSatisfy { abs(Double($0) - $1) <= 1e-3 * $1 }
    }
    let fitting = (are(sides) ? [BoxForm.Numbers.xyxy] : []) + (are(sides.reversed()) ? [.yxyx] : [])
    guard let found = fitting.first(where: { numbers == nil || $0 == numbers }) else { return nil }
    return (BoxForm(numbers: found, unit: .pixels), isAssumed: fitting.count > 1 && numbers == nil)
  }

  /// What made the four numbers of a table's boxes; nothing if they are not four.
  private func originsOfBox(_ table: BoxTable) -> [ColumnOrigins.Origin] {
    guard let axis = table.numberAxis, table.numbers(\.isBox).count == 4 else { return [] }
    let found = columnOrigins.origins(of: table.value, axis: axis)
    return table.numbers(\.isBox).compactMap { found.indices.contains($0) ? found[$0] : nil }
  }

  /// How boxes that the network selects itself are described, if only moving them lies between those that it selects
  /// from, which are read from cells as they or their scores are, and the table.
  private func formBeforeSelection(_ table: BoxTable, numbers: BoxForm.Numbers?) -> BoxForm? {
    guard let axis = table.numberAxis, let first = table.numbers(\.isBox).first, let any = try? BoxColumns("score*"),
      let four = try? BoxColumns("box")
    else { return nil }
    let scores = selections.compactMap { selection in
      BoxTable(selection.scores, any, axis: selection.classAxis == 1 ? .first : .second)
    }
    var place = (value: table.value, axis: axis, number: first)
    while let next = columnOrigins.step(back: place.value, axis: place.axis, number: place.number) {
      place = next
      guard place.number == 0, let info = inferred.infos[place.value], info.shape[place.axis] == 4,
        let boxes = BoxTable(ModelOutput(place.value, info, of: model.graph), four, axis: .second),
        boxes.numberAxis == place.axis,
        let scales = scores.first(where: { $0.boxCount == boxes.boxCount }).flatMap({
          BoxScales($0, boxes, of: model, infos)
        }) ?? BoxScales(boxes, nil, of: model, infos)
      else { continue }
      return BoxForm(boxes, numbers: numbers, scales, of: model, inferred, size: size)
    }
    return nil
  }
}
