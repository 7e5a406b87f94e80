/// What a comparison shows, as a question with its answer.
struct Finding: Equatable {
  let question, answer, detail: String
  /// The index of the image that the answer is about.
  var image: Int? = nil
  /// The part of the page that it is about, if it is no image.
  var part: String? = nil
}

extension MetricColumn {
  /// Every model's mean, in the order of the models.
  func means(of models: [ComparedModel]) -> [Double?] { models.map { $0.means[name] ?? nil } }
}

extension ComparedResult {
  /// Whether the class explained is the model's own top class.
  var isTop: Bool { top.class == `class` }
  /// The name of the class explained, else its number.
  var name: String { label ?? "class \(`class`)" }
}

extension Comparison {
  /// What the figures say, in words; questions that they do not answer are left out.
  var findings: [Finding] {
    // Maps of models that saw something else are not ranked.
    let ranking = doubts.isEmpty ? [pointing, bestByMostMetrics] : [doubtful]
    return (ranking + [fastest, choices, likeness, greatestDifference]).compactMap { $0 }
  }

  private var doubtful: Finding? {
    let doubts = doubts
    guard !doubts.isEmpty else { return nil }
    return Finding(
      question: "Did the models see the images as they should?",
      answer: "Probably not \(enumerated(doubts.map { models[$0.model].name }))",
      detail: enumerated(doubts.map { "\(models[$0.model].name) \($0.finding)" })
        + "; check the preprocessing and the labels before comparing maps")
  }

  /// Distinct names of the images, with the class if an image is asked about several.
  var imageNames: [String] {
    zip(images, distinctEnds(of: images.map(\.image))).map { image, name in
      images.filter { $0.image == image.image }.count > 1 ? "\(name) (\(image.label))" : name
    }
  }

  /// The number of images, or of cases if an image is asked about several classes.
  var caseCount: String { counted(images.count, Set(images.map(\.image)).count < images.count ? "case" : "image") }

  /// The mean agreement of each pair of models over all images.
  var meanAgreement: [ComparedPair] {
    guard let first = images.first else { return [] }
    return first.agreement.indices.map { index in
      func mean(_ measure: (ComparedPair) -> Double?) -> Double? { images.map { measure($0.agreement[index]) }.mean }
      return ComparedPair(
        first: first.agreement[index].first, second: first.agreement[index].second,
        pearson: mean(\.pearson), spearman: mean(\.spearman), ssim: mean(\.ssim), iou: mean(\.iou))
    }
  }

  private var pointing: Finding? {
    guard let metric = metrics.first(where: { $0.name == "pointing-game" }) else { return nil }
    let means = metric.means(of: models)
    func share(_ value: Double) -> String { "\(typeset(value * 100, 0))%" }
    guard let highest = means.compactMap({ $0 }).max() else { return nil }
    let best = best(by: metric)
    guard !best.isEmpty else {
      let lowest = means.compactMap { $0 }.min()!
      let range = lowest == highest ? share(highest) : "\(share(lowest)) to \(share(highest))"
      let detail =
        lowest == highest ? ", whichever the model" : "; \(measuredCount) images do not tell the models apart"
      return Finding(
        question: "How often do the maps point at the object?", answer: "In \(range) of the images",
        detail: "that have boxes" + (models.count > 1 ? detail : ""))
    }
    let others = models.indices.filter { !best.contains($0) }
    let rest = others.compactMap { means[$0] }
    let detail =
      others.count == 1
      ? "\(models[others[0]].name) in \(rest.first.map(share) ?? "none")"
      : "the others in \(share(rest.min() ?? 0)) to \(share(rest.max() ?? 0))"
    return Finding(
      question: "Whose maps point at the object most often?", answer: enumerated(best.sorted().map { models[$0].name }),
      detail: "in \(share(highest)) of the images that have boxes; \(detail)")
  }

  private var bestByMostMetrics: Finding? {
    guard models.count > 1, !metrics.isEmpty else { return nil }
    let winners = metrics.map { best(by: $0) }
    let wins = models.indices.map { model in metrics.indices.filter { winners[$0].contains(model) } }
    guard let most = wins.map(\.count).max(), most > 0 else {
      return Finding(
        question: "Whose maps measure best?", answer: "That cannot be told",
        detail:
          "\(counted(measuredCount, "image")) \(measuredCount == 1 ? "does" : "do") not tell the models apart by any metric"
      )
    }
    let leaders = models.indices.filter { wins[$0].count == most }
    let names = wins[leaders[0]].map { metrics[$0].name }
    let runnerUp = models.indices.filter { !leaders.contains($0) }.max { wins[$0].count < wins[$1].count }
    let rest = runnerUp.map { "; \(models[$0].name) by \(wins[$0].isEmpty ? "none" : "\(wins[$0].count)")" } ?? ""
    let share = "\(most) of \(counted(metrics.count, "metric"))"
    return Finding(
      question: "Whose maps measure best?", answer: enumerated(leaders.map { models[$0].name }),
      detail: (leaders.count == 1 ? "by \(enumerated(names)), \(share)" : "each by \(share)") + rest)
  }

  private var fastest: Finding? {
    let times = models.map(\.cost.explanation_ms)
    guard models.count > 1, let shortest = times.min(), let longest = times.max(), shortest > 0 else { return nil }
    let quick = times.indices.filter { times[$0] < 1.05 * shortest }
    let slowest = models[times.firstIndex(of: longest)!].name
    return Finding(
      question: "Which is fastest?",
      answer: quick.count == models.count ? "All about equally fast" : enumerated(quick.map { models[$0].name }),
      detail: "\(typesetBriefly(shortest)) ms per explanation"
        + (quick.count == models.count
          ? "" : "; \(slowest) takes \(typeset(longest / shortest, 1)) times as long (\(typesetBriefly(longest)) ms)"))
  }

  private var choices: Finding? {
    guard !images.isEmpty else { return nil }
    let other = zip(imageNames, images).flatMap { name, image in
      image.results.filter { !$0.isTop }.map { (model: $0.model, says: $0.top.name, image: name) }
    }
    let agreeing = images.filter { $0.results.allSatisfy(\.isTop) }.count
    let detail: String =
      if other.isEmpty {
        models.count > 1 ? "it is every model’s own top class" : "it is its top class"
      } else if other.count < 4 {
        enumerated(other.map { "\($0.model) says “\($0.says)” in \($0.image)" })
      } else {
        "another class is chosen\(models.count > 3 ? " most often" : "") by "
          + enumerated(
            Dictionary(grouping: other, by: \.model).sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
              .prefix(3).map { "\($0.key) (\($0.value.count))" })
      }
    let answer = agreeing == images.count ? "Yes" : agreeing == 0 ? "No" : "Yes, in \(agreeing) of \(caseCount)"
    return Finding(
      question: models.count > 1 ? "Do all models predict this class?" : "Does the model predict this class?",
      answer: answer, detail: detail)
  }

  private var likeness: Finding? {
    let pairs = meanAgreement.filter { $0.pearson != nil }.sorted { $0.pearson! > $1.pearson! }
    guard let most = pairs.first, let least = pairs.last, let highest = most.pearson, let lowest = least.pearson else {
      return nil
    }
    guard pairs.count > 1 else {
      return Finding(
        question: "How alike are their maps?", answer: "Pearson’s r = \(typeset(highest, 2))",
        detail: "\(images.count == 1 ? "" : "on average; ")1 is the same map, 0 no relation")
    }
    return Finding(
      question: "Whose maps are most alike?", answer: "\(most.first) and \(most.second)",
      detail: "mean Pearson’s r \(typeset(highest, 2)); least alike are \(least.first) and \(least.second), "
        + typeset(lowest, 2))
  }

  private var greatestDifference: Finding? {
    let alike = images.indices.compactMap { index in
      images[index].agreement.map(\.pearson).mean.map { (image: index, pearson: $0) }
    }.sorted { $0.pearson < $1.pearson }
    guard let least = alike.first, let most = alike.last, least.image != most.image else { return nil }
    let pairs = models.count > 2 ? "mean " : ""
    return Finding(
      question: "Where do they differ most?", answer: imageNames[least.image],
      detail: "\(pairs)Pearson’s r \(typeset(least.pearson, 2)); most alike in \(imageNames[most.image]), "
        + typeset(most.pearson, 2),
      image: least.image)
  }
}
