import GradCAM
import Graph

/// Where the class comes from that all models are asked about in an image.
enum ClassSource: String, Encodable {
  case given = "class"
  case boxes
  case truth
  /// The top class of most models.
  case vote

  /// Whether it says what is in the image.
  var isTruth: Bool { self == .boxes || self == .truth }
}

/// The class that all models are asked about in an image.
struct AskedClass {
  /// What reports call it.
  let label: String
  let source: ClassSource
  /// Its number in each model.
  let indices: [Int]
}

/// The classes of one model, as a comparison needs them.
struct ModelClasses {
  let path: String
  let labels: Labels
  let count: Int

  /// The number of a class: by its label, by one of the synonyms that the label lists, or by its number in the other
  /// model if one of the two has no labels.
  func index(of label: String?, number: Int) -> Int? {
    guard let label, !labels.names.isEmpty else { return number < count ? number : nil }
    for name in [label] + label.synonyms {
      if let index = try? labels.index(of: name, classCount: count) { return index }
    }
    return nil
  }
}

/// A class that all models have.
private struct Candidate {
  let indices: [Int]
  /// The number of models whose top class it is.
  let votes: Int
  /// The sum of the probabilities.
  let probability: Float
}

extension [ModelClasses] {
  /// The class that the user names, or that is in the image.
  ///
  /// Throws `usage` if a model does not have it, or if the number means another class in another model.
  func asked(_ name: String, _ source: ClassSource) throws -> AskedClass {
    let indices = try map { classes in
      do {
        return try located(classes.path) { try classes.labels.index(of: name, classCount: classes.count) }
      } catch let error as GradCAMError where source.isTruth {
        throw GradCAMError(
          .badData, at: "\(classes.path)",
          problem: "has no class '\(name)', which is in an image by --\(source.rawValue)",
          advice: error.advice)
      }
    }
    let labels = zip(self, indices).compactMap { $0.labels[$1] }
    if Int(name) != nil, let other = labels.first(where: { !Self.agree($0, labels[0]) }) {
      throw GradCAMError(
        .usage, at: "--class \(name)", problem: "means '\(labels[0])' in one model and '\(other)' in another",
        advice: "give the label")
    }
    return AskedClass(
      label: Self.shortest(labels) ?? (Int(name) == nil ? name : "class \(name)"), source: source, indices: indices)
  }

  /// The classes that have boxes in an image, each with its boxes.
  ///
  /// Throws as `ObjectBoxes.check` does.
  func boxed(_ boxes: ObjectBoxes, in image: String) throws -> [(asked: AskedClass, boxes: [PixelRectangle])] {
    var found: [(asked: AskedClass, boxes: [PixelRectangle])] = []
    for object in boxes.objects(in: image) {
      let indices = try compactMap { try boxes.index(of: object, $0.labels, classCount: $0.count) }
      guard indices.count == count else { continue }
      if let place = found.firstIndex(where: { $0.asked.indices == indices }) {
        found[place].boxes.append(object.box)
      } else {
        let labels = zip(self, indices).compactMap { $0.labels[$1] }
        let asked = AskedClass(label: Self.shortest(labels) ?? object.label, source: .boxes, indices: indices)
        found.append((asked, [object.box]))
      }
    }
    return found
  }

  /// The top class of most models; of several such, the one that the models find most probable on average.
  ///
  /// - Parameter tops: the top class of each model, with the probabilities of all classes.
  ///
  /// Throws `usage` if no model's top class is one that all have.
  func vote(_ tops: [(index: Int, probabilities: [Float])], image: String) throws -> AskedClass {
    var candidates: [Candidate] = [], missing: (model: Int, label: String)?
    for (model, top) in tops.enumerated() {
      let label = self[model].labels[top.index]
      let indices = enumerated().compactMap { place, classes in
        place == model ? top.index : classes.index(of: label, number: top.index)
      }
      guard indices.count == count else {
        missing = missing ?? (model, label ?? "class \(top.index)")
        continue
      }
      let probabilities = zip(tops, indices).map { $0.probabilities[$1] }
      candidates.append(
        Candidate(
          indices: indices, votes: zip(tops, indices).count { $0.index == $1 },
          // Sorted, so that the sum does not depend on the models' order.
          probability: probabilities.sorted().reduce(Float(0)) { $0 + $1 }))
    }
    let best = candidates.max { one, other in
      (one.votes, one.probability, other.indices.sorted().description)
        < (other.votes, other.probability, one.indices.sorted().description)
    }
    guard let best else {
      throw GradCAMError(
        .usage, at: image,
        problem: "is '\(missing!.label)' to \(self[missing!.model].path), a class that not all models have",
        advice: "give a --class that all have, or --labels")
    }
    let labels = zip(self, best.indices).compactMap { $0.labels[$1] }
    return AskedClass(
      label: Self.shortest(labels) ?? "class \(best.indices[0])", source: .vote, indices: best.indices)
  }

  private static func shortest(_ labels: [String]) -> String? { labels.min { ($0.count, $0) < ($1.count, $1) } }

  /// Whether two labels share a name.
  private static func agree(_ one: String, _ other: String) -> Bool {
    !Set(one.lowercased().synonyms).isDisjoint(with: other.lowercased().synonyms)
  }
}
