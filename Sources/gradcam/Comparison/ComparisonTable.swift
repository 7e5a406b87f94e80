import GradCAM
import Graph

extension Comparison {
  /// One line for each image and model, with a column for each metric.
  var csv: String {
    let names = metrics.map(\.name)
    let heading =
      ["image", "label", "asked", "model", "node", "class", "probability", "top_label", "top_probability"] + names
    let records = images.flatMap { image in
      zip(models, image.results).map { model, result -> [String] in
        let numbers = names.map { name in (result.metrics[name] ?? nil).map { "\($0)" } ?? "" }
        let top = result.top.label ?? "\(result.top.class)"
        let known = [
          image.image, image.label, image.asked.rawValue, model.name, model.node, "\(result.class)",
          "\(result.probability)",
        ]
        return known + [top, "\(result.top.probability ?? .nan)"] + numbers
      }
    }
    return ([heading] + records).map { CSV.record($0) + "\n" }.joined()
  }

  /// Prints the models with their costs and means, then the images, then the mean agreement.
  func describe() throws {
    func number(_ value: Double?, _ places: Int = 3) -> String { value.map { decimal($0, places) } ?? "–" }
    let inputs = models.map(\.preprocessing).withoutRepeats
    for model in models.prefix(inputs.count == 1 ? 1 : models.count) {
      try Console.print("input\(inputs.count == 1 ? "" : " of \(model.name)"): \(model.preprocessing)")
    }
    let ranks = models.count > 1 && !metrics.isEmpty
    var table = Table([""] + models.map { " \($0.name)" } + (ranks ? ["best"] : []))
    func row(_ name: String, best: String = "", _ cell: (ComparedModel) -> String) {
      table.add([name] + models.map(cell) + (ranks ? [best] : []))
    }
    row("node") { $0.node }
    row("input") { $0.input }
    row("million parameters") { decimal(Double($0.cost.parameters) / 1e6, 2) }
    row("GFLOP") { decimal($0.cost.gflop, 2) }
    row("forward ms") { decimal($0.cost.forward_ms, 1) }
    row("explanation ms") { decimal($0.cost.explanation_ms, 1) }
    row("peak MB") { number($0.cost.peak_mb, 0) }
    for metric in metrics {
      row("\(metric.name) (\(metric.direction))", best: verdict(metric)) { model in
        let ends = model.intervals[metric.name] ?? nil
        let interval = imageCount < 2 ? nil : ends.map { " (\(number($0[0])) … \(number($0[1])))" }
        return number(model.means[metric.name] ?? nil) + (interval ?? "")
      }
      if models.contains(where: { $0.random != nil }) { row("  random") { number($0.random?[metric.name] ?? nil) } }
    }
    if models.contains(where: { $0.accuracy != nil }) {
      row("top class is right") { $0.accuracy.map { decimal($0 * 100, 0) + "%" } ?? "–" }
    }
    try Console.print(table)
    for note in notes { try Console.print(note) }
    var results = Table(["image", "class"] + models.map { " \($0.name)" } + ["says"])
    for image in images {
      let others = image.results.filter { !$0.isTop }.map { "\($0.model): \($0.top.name)" }
      results.add(
        [image.image, image.label] + image.results.map { percent($0.probability) }
          + [others.joined(separator: ", ")])
    }
    try Console.print("")
    try Console.print(results)
    guard models.count > 1 else { return }
    var agreement = Table(["mean agreement of maps", "", " Pearson", " Spearman", " SSIM", " IoU of top 20%"])
    for pair in meanAgreement {
      agreement.add(
        pair.first, pair.second, number(pair.pearson), number(pair.spearman), number(pair.ssim), number(pair.iou))
    }
    try Console.print("")
    try Console.print(agreement)
  }

  /// How the figures are to be read.
  var notes: [String] {
    var notes: [String] = []
    let sources = Set(images.map(\.asked))
    if sources == [.vote] {
      notes.append("All models are asked about the top class of most of them; --class, --boxes or --truth say another.")
    }
    guard !metrics.isEmpty else { return notes }
    if measuresOwnClass { notes.append("Metrics are of each model's own top class.") }
    let blind = metrics.filter { metric in
      let found = models.indices.map { beatsRandom($0, by: metric) }
      return found.contains { $0 != nil } && !found.contains(true)
    }
    if !blind.isEmpty {
      notes.append("No model's maps are better than random, on these images, by \(enumerated(blind.map(\.name))).")
    }
    guard models.count > 1 else { return notes }
    let unsure = metrics.contains { verdict($0) == "not separable" }
    if measuredCount < Self.fewestImages {
      notes.append("\(counted(measuredCount, "image")) cannot tell models apart; \(Self.fewestImages) or more can.")
    } else if unsure {
      notes.append(
        "Not separable: with \(measuredCount) images, the 95% interval of the difference from the best includes 0.")
    }
    return notes
  }
}
