import GradCAM
import Graph

extension Comparison {
  /// One line for each image and model, with a column for each metric.
  var csv: String {
    let names = metrics.map(\.name)
    let heading = ["image", "label", "model", "node", "class", "probability", "top_label", "top_probability"] + names
    let records = images.flatMap { image in
      zip(models, image.results).map { model, result -> [String] in
        let numbers = names.map { name in (result.metrics[name] ?? nil).map { "\($0)" } ?? "" }
        let top = result.top.label ?? "\(result.top.class)"
        let known = [image.image, image.label, model.name, model.node, "\(result.class)", "\(result.probability)"]
        return known + [top, "\(result.top.probability ?? .nan)"] + numbers
      }
    }
    return ([heading] + records).map { CSV.record($0) + "\n" }.joined()
  }

  /// Prints the models with their costs and means, then the images, then the mean agreement.
  func describe() throws {
    func number(_ value: Double?, _ places: Int = 3) -> String { value.map { decimal($0, places) } ?? "–" }
    var table = Table([""] + models.map { " \($0.name)" })
    func row(_ name: String, _ cell: (ComparedModel) -> String) { table.add([name] + models.map(cell)) }
    row("node") { $0.node }
    row("input") { $0.input }
    row("million parameters") { decimal(Double($0.cost.parameters) / 1e6, 2) }
    row("GFLOP") { decimal($0.cost.gflop, 2) }
    row("forward ms") { decimal($0.cost.forward_ms, 1) }
    row("explanation ms") { decimal($0.cost.explanation_ms, 1) }
    row("peak MB") { number($0.cost.peak_mb, 0) }
    for metric in metrics {
      row("\(metric.name) (\(metric.direction))") { number($0.means[metric.name] ?? nil) }
    }
    try Console.print(table.text)
    var results = Table(["\nimage", "class"] + models.map { " \($0.name)" } + ["says"])
    for image in images {
      let others = image.results.filter { !$0.isTop }.map { "\($0.model): \($0.top.name)" }
      results.add(
        [image.image, image.label] + image.results.map { decimal(Double($0.probability) * 100, 1) + "%" }
          + [others.joined(separator: ", ")])
    }
    try Console.print(results.text)
    guard models.count > 1 else { return }
    var agreement = Table(["\nmean agreement of maps", "", " Pearson", " Spearman", " SSIM", " IoU of top 20%"])
    for pair in meanAgreement {
      agreement.add(
        pair.first, pair.second, number(pair.pearson), number(pair.spearman), number(pair.ssim), number(pair.iou))
    }
    try Console.print(agreement.text)
  }
}
