import Graph

/// What says that an output holds the scores of classes, from what speaks against it to what is certain.
public enum ScoreEvidence: Int, Sendable, Comparable {
  /// Its name, or the output next to it, says that it holds something else.
  case contrary
  /// Nothing.
  case none
  /// Its name.
  case name
  /// A Softmax, a Sigmoid or a choice of the best at its end.
  case operators
  /// The file names as many classes.
  case labels
  /// The user.
  case request

  /// Orders by certainty.
  public static func < (first: Self, second: Self) -> Bool { first.rawValue < second.rawValue }
}

/// An output that may hold the scores of classes.
struct ScoreCandidate {
  let output: ValueID
  /// The last value before a final Softmax or Sigmoid, and before a final choice of the best.
  let logits: ValueID
  let activation: ScoreHead.Activation?
  /// Whether the output itself holds only the best scores, or which they are.
  let isRanked: Bool

  /// Follows an output back, through what only reshapes, rounds, orders, picks or names its elements.
  init(_ output: ValueID, of graph: ComputeGraph, _ producers: [ValueID: Int]) {
    self.output = output
    var value = output, ranked: ValueID?, found: ScoreHead.Activation?
    walk: while found == nil, let index = producers[value], let input = graph.nodes[index].inputs.first ?? nil {
      let node = graph.nodes[index]
      switch node.role {
      case .ranking: ranked = input
      case .identity where node.outputs.first == value: break
      case .quantization where node.outputs.first == value: break
      case .dequantization: break
      case .softmax where node.outputs.first == value: found = .softmax
      case .sigmoid where node.outputs.first == value: found = .sigmoid
      default: break walk
      }
      value = input
    }
    activation = found
    isRanked = ranked != nil
    logits = found == nil ? ranked ?? output : value
  }

  /// What says that it holds the scores of classes.
  ///
  /// - Parameter labelCount: the number of classes that the file names, if it does.
  func evidence(in graph: ComputeGraph, labelCount: Int?) -> ScoreEvidence {
    let value = graph.values[output]
    if !isRanked, let type = value.elementType, !type.isFloatingPoint { return .contrary }
    if graph.hasBoxes(beside: output) || (activation == nil && graph.selectedBoxes.contains(output)) {
      return .contrary
    }
    // A single number is the score of the second of two classes.
    if let labelCount, let extent = value.rowExtent, !isRanked, extent == labelCount || (extent, labelCount) == (1, 2) {
      return .labels
    }
    let name = OutputName(value.name)
    if activation != nil || isRanked, name.isOfScores || !name.isOfSomethingElse { return .operators }
    return name.isOfSomethingElse ? .contrary : name.isOfScores ? .name : .none
  }

  /// Whether the file declares it as one number for each class.
  func isRow(in graph: ComputeGraph) -> Bool { graph.values[isRanked ? logits : output].isRow }
}

extension Value {
  /// Whether it is declared as one row for each image.
  fileprivate var isRow: Bool {
    guard let dimensions, dimensions.count > 1 else { return false }
    return dimensions.dropFirst().count { $0 != .fixed(1) } <= 1
  }

  /// The number of elements in the row for each image; nil if it is not declared as a row of fixed extent.
  fileprivate var rowExtent: Int? {
    guard isRow else { return nil }
    guard let counted = dimensions!.dropFirst().first(where: { $0 != .fixed(1) }) else { return 1 }
    if case .fixed(let extent) = counted { return extent }
    return nil
  }
}

extension ComputeGraph {
  /// Whether another output holds four numbers for each number of this one, as boxes beside their scores do.
  fileprivate func hasBoxes(beside output: ValueID) -> Bool {
    guard let own = values[output].dimensions, let count = own.last, count != .symbolic(""), count != .fixed(1) else {
      return false
    }
    return outputs.contains { other in
      guard other != output, let dimensions = values[other].dimensions else { return false }
      return dimensions.count == own.count + 1 && Array(dimensions.suffix(2)) == [count, .fixed(4)]
    }
  }

  /// The values that depend on what an operator selects among boxes.
  fileprivate var selectedBoxes: Set<ValueID> {
    let selected = nodes.filter { $0.operation?.boxSelection != nil }.flatMap(\.results)
    return selected.isEmpty ? [] : downstream(of: Set(selected))
  }
}

/// The words of an output's name, such as `pred` and `logits` of `pred_logits`.
struct OutputName {
  let words: Set<String>

  init(_ name: String) {
    var words: [String] = [""], wasLower = false
    for character in name {
      guard character.isLetter else {
        words.append("")
        wasLower = false
        continue
      }
      // A capital after a small letter starts a word, as in `outputScores`.
      if character.isUppercase, wasLower { words.append("") }
      words[words.count - 1] += character.lowercased()
      wasLower = character.isLowercase
    }
    self.words = Set(words.filter { !$0.isEmpty })
  }

  func has(_ any: Set<String>) -> Bool { !words.isDisjoint(with: any) }

  /// Whether it speaks of scores.
  var isOfScores: Bool {
    has([
      "class", "classes", "classification", "classifier", "conf", "confidence", "confidences", "logit", "logits",
      "prediction", "predictions", "prob", "probs", "probability", "probabilities", "score", "scores", "sigmoid",
      "softmax", "softmaxout",
    ])
  }

  /// Whether it speaks of something that is no score of a class.
  var isOfSomethingElse: Bool {
    has([
      "attention", "attentions", "bbox", "bboxes", "box", "boxes", "descriptor", "descriptors", "embed", "embedding",
      "embeddings", "embeds", "feat", "feature", "features", "feats", "hidden", "keypoint", "keypoints", "kpts",
      "landmark", "landmarks", "latent", "latents", "num", "pooled", "pooler", "prelogits", "token", "tokens",
    ]) || words.isSuperset(of: ["pre", "logits"])
  }
}
