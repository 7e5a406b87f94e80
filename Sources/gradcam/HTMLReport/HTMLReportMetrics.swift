extension HTMLReport {
  /// Every metric's means, one chart per metric.
  var metrics: Section? {
    guard !comparison.metrics.isEmpty else { return nil }
    let charts = comparison.metrics.enumerated().map { index, metric -> HTML in
      let chart = BarChart(
        id: "metric-\(index)", title: "\(metric.name), mean over the images, \(metric.direction)",
        bars: zip(comparison.models.indices, metric.means(of: comparison.models)).map { model, mean in
          BarChart.Bar(sign: sign(model), name: comparison.models[model].name, value: mean)
        }, best: metric.best(of: comparison.models))
      return """
        <figure class="chart"><figcaption><h3>\(metric.name)</h3> <span class="direction">\
        <span aria-hidden="true">\(metric.higher_is_better ? "↑" : "↓")</span> \(metric.direction)</span>
        <p>\(metric.summary)</p></figcaption>
        \(chart.html)</figure>

        """
    }
    let caution: HTML =
      comparison.images.count < 20 && comparison.models.count > 1
      ? "<p>Means over \(comparison.caseCount): small differences say little.</p>\n" : ""
    return Section(id: "metrics", title: "Metrics", content: "\(caution)<div class=\"charts\">\n\(charts)</div>")
  }
}
