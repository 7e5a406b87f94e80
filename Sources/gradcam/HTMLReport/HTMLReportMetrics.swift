extension HTMLReport {
  /// Every metric's means, one chart per metric.
  var metrics: Section? {
    guard !comparison.metrics.isEmpty else { return nil }
    let charts = comparison.metrics.enumerated().map { index, metric -> HTML in
      let chart = BarChart(
        id: "metric-\(index)", title: "\(metric.name), mean over the images, \(metric.direction)",
        bars: zip(comparison.models, metric.means(of: comparison.models)).enumerated().map { index, pair in
          let interval = comparison.imageCount > 1 ? pair.0.intervals[metric.name] ?? nil : nil
          return BarChart.Bar(sign: letter(index), name: pair.0.name, value: pair.1, interval: interval)
        }, best: comparison.best(by: metric))
      return """
        <figure class="chart"><figcaption><h3>\(metric.name)</h3> <span class="direction">\
        <span aria-hidden="true">\(metric.higher_is_better ? "↑" : "↓")</span> \(metric.direction)</span>
        <p>\(metric.summary)</p></figcaption>
        \(chart.html)</figure>

        """
    }
    let notes: HTML = "<p>Means over \(comparison.caseCount). \(comparison.notes.joined(separator: " "))</p>\n"
    return Section(id: "metrics", title: "Metrics", content: "\(notes)<div class=\"charts\">\n\(charts)</div>")
  }
}
