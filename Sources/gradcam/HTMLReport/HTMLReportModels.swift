extension HTMLReport {
  /// What the models are and what they cost.
  var models: Section? {
    let heading = ["Node", "Input", "Classes", "Parameters", "GFLOP", "Forward, ms", "Explanation, ms", "Memory, MiB"]
    let rows = comparison.models.indices.map { index -> HTML in
      let model = comparison.models[index], cost = model.cost
      return """
        <tr><th scope="row">\(badge(index))</th><td class="text"><code>\(HTML.breakable(model.node))</code></td>\
        <td>\(model.input.replacing("x", with: " × "))</td><td>\(model.classes)</td><td>\(parameters(cost))</td>\
        <td>\(typesetBriefly(cost.gflop))</td><td>\(typesetBriefly(cost.forward_ms))</td>\
        <td>\(typesetBriefly(cost.explanation_ms))</td>\
        <td>\(cost.peak_mb.map { "\(typeset($0, 0))" } ?? .missing("not reported by the system"))</td></tr>

        """
    }
    let table: HTML = """
      <table><caption><span>Where maps were taken, and what a picture costs: median times and peak memory.</span></caption>
      <thead><tr><th scope="col">Model</th>\(heading.map { name -> HTML in
        "<th scope=\"col\"\(name == "Node" ? " class=\"text\"" : "" as HTML)>\(name)</th>"
      })</tr></thead>
      <tbody>
      \(rows)</tbody></table>
      """
    return Section(id: "models", title: "Models", content: "\(scrolling(table))\n\(modelWarnings)\(costChart)")
  }

  private func parameters(_ cost: ComparedModel.Cost) -> String {
    switch Double(cost.parameters) {
    case let count where count >= 1e6: "\(typesetBriefly(count / 1e6)) M"
    case let count where count >= 1e3: "\(typesetBriefly(count / 1e3)) k"
    default: "\(cost.parameters)"
    }
  }

  /// Each warning once, with the models that it is about.
  private var modelWarnings: HTML {
    let items = comparison.models.flatMap(\.warnings).withoutRepeats.map { warning -> HTML in
      let warned = comparison.models.indices.filter { comparison.models[$0].warnings.contains(warning) }
      let whom: HTML =
        warned.count == comparison.models.count ? "all models" : "\(warned.map { "\(badge($0)) " as HTML })"
      return "<li>\(whom): \(warning.text)</li>\n"
    }
    return items.isEmpty ? "" : "<h3>Warnings</h3>\n<ul class=\"warnings\">\n\(items)</ul>\n"
  }

  /// What a longer explanation buys: time against a metric that distinguishes the models.
  private var costChart: HTML {
    let telling = comparison.metrics.filter { !comparison.best(by: $0).isEmpty }
    guard let metric = telling.first(where: { $0.name == "pointing-game" }) ?? telling.first else { return "" }
    let points = zip(comparison.models.indices, metric.means(of: comparison.models)).compactMap { index, mean in
      mean.map {
        ScatterChart.Point(
          sign: letter(index), name: comparison.models[index].name, x: comparison.models[index].cost.explanation_ms,
          y: $0
        )
      }
    }
    guard points.count > 1 else { return "" }
    let chart = ScatterChart(
      id: "cost", title: "Time of an explanation against \(metric.name)", xName: "Explanation, ms",
      yName: "\(metric.name), \(metric.direction)", points: points)
    return """
      <h3>Time and \(metric.name)</h3>
      <figure class="chart">\(chart.html)
      <figcaption>\(points.map { point -> HTML in
        "<span><span class=\"sign\">\(point.sign)</span> <span class=\"name\">\(point.name)</span></span> "
      })</figcaption></figure>

      """
  }
}

extension MetricColumn {
  /// The metric's direction, in words.
  var direction: String { directionText(higherIsBetter: higher_is_better) }
}
