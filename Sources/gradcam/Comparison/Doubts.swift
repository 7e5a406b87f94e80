import GradCAM
import Graph

/// A reason to doubt that a model saw the images as it was trained to.
struct Doubt {
  /// The index of the model.
  let model: Int
  /// What the model says of the images.
  let finding: String
  /// The finding, the likely cause, and what to do.
  let warning: Warning
}

extension Comparison {
  /// The models that say the same of every image though others do not, and those that nearly never say what is there.
  ///
  /// Three images at least have to show it.
  var doubts: [Doubt] {
    models.indices.compactMap { model -> Doubt? in
      guard let finding = sameAnswer(of: model) ?? missedLabels(of: model) else { return nil }
      let name = models[model].name
      let advice =
        "give --preset \(name)=NAME, or --mean, --std, --range and --channels with \(name)=, and --labels if the names "
        + "are wrong"
      let text: Message =
        "\(name) \(finding): its pictures may be prepared wrongly, and its maps then mean nothing; \(advice)"
      return Doubt(model: model, finding: finding, warning: Warning(code: .preparationDoubtful, text: text))
    }
  }

  /// The same with each doubt among the warnings of its model.
  var withDoubts: Comparison {
    var result = self
    for doubt in doubts { result.models[doubt.model].warnings.append(WarningReport(doubt.warning)) }
    return result
  }

  /// The first case of each image.
  private var distinct: [ComparedImage] {
    var seen: Set<String> = []
    return images.filter { seen.insert($0.image).inserted }
  }

  private func sameAnswer(of model: Int) -> String? {
    let images = distinct
    let answers = Set(images.map { $0.results[model].top.class })
    guard images.count >= 3, answers.count == 1 else { return nil }
    let others = models.indices.contains { other in Set(images.map { $0.results[other].top.class }).count > 1 }
    guard others || Set(images.map(\.label)).count > 1 else { return nil }
    return "calls all \(images.count) images “\(images[0].results[model].top.name)”"
  }

  /// Of images with boxes, what is in them is known.
  private func missedLabels(of model: Int) -> String? {
    let known = Dictionary(grouping: images.filter { !$0.boxes.isEmpty }, by: \.image).values
    let right = known.count(where: { cases in cases.contains { $0.results[model].isTop } })
    guard known.count >= 3, 10 * right <= known.count else { return nil }
    return "finds what has a box in \(right == 0 ? "none" : "\(right)") of \(known.count) images"
  }
}
