import Graph

/// What the name of a normalisation means that TorchScript's exporter folded into a convolution: the file does not hold
/// it, only that something was folded.
enum FoldedNormalization {
  /// The one convolution whose BatchNorm fits the name, and the tensor after both.
  case one(convolution: String, ValueID)
  /// The convolutions whose BatchNorm it may be.
  case several([String])
}

extension ModuleIndex {
  /// The folded normalisation that a path can mean; nil if it can mean none.
  ///
  /// The path's parent must hold convolutions with a folded BatchNorm, at the end of a child or on their own. Which one is
  /// meant follows from the position in a Sequential (`seq.1` after `seq.0`), or for a usual name of a normalisation from
  /// what it shares with the convolution's (`depthwise_norm` and `depthwise_conv`, `norm1` and `fc1`), or because there is
  /// only one. A BatchNorm whose module goes on in the file, as with its own activation, is no candidate.
  func foldedNormalization(_ path: String) -> FoldedNormalization? {
    let parent = parentPath(path), name = lastPart(path)
    let candidates = children(of: parent).filter { child in
      !readers(of: child.value).joined().contains { reader in
        parentPath(reader) == parent && normalizationAffixes(lastPart(reader)) != nil
      }
    }
    if let position = Int32(name) { return follower(of: Int(position) - 1, in: parent, among: candidates) }
    guard let affixes = normalizationAffixes(name), let first = candidates.first else { return nil }
    func one(_ fitting: [FoldedChild]) -> FoldedNormalization? {
      Set(fitting.map(\.value)).count == 1 ? .one(convolution: fitting[0].convolution, fitting[0].value) : nil
    }
    if let only = one(candidates) { return only }
    // Where a normalisation comes first, the numbers of convolutions and normalisations do not go together.
    let startsWithOne = modules.keys.contains { module in
      parentPath(module) == parent && normalizationAffixes(lastPart(module)) != nil
        && modules[module]!.results.allSatisfy { comesBefore($0.value, first.value) }
    }
    let fitting =
      startsWithOne
      ? nil
      : one(candidates.filter { convolutionAffixes($0.name).map { $0 == affixes } == true })
        ?? one(candidates.filter { !$0.number.isEmpty && $0.number == trailingNumber(name) })
    return fitting ?? .several(candidates.map(\.convolution))
  }

  /// A child of a module that is a convolution with a folded BatchNorm, or ends with one.
  private struct FoldedChild {
    let name: String
    let convolution: String
    let value: ValueID

    var number: String { trailingNumber(name) }
  }

  private func children(of parent: String) -> [FoldedChild] {
    let prefix = parent.isEmpty ? "" : parent + "."
    return modules.compactMap { path, module in
      guard path != parent, path.hasPrefix(prefix), module.results.count == 1,
        let convolution = unnamedFolds[module.results[0].value]
      else { return nil }
      let parts = pathParts(String(path.dropFirst(prefix.count)))
      // An item of a list that is not called is a child of the list's parent.
      guard parts.dropFirst().allSatisfy({ Int($0) != nil }) else { return nil }
      return FoldedChild(name: parts.joined(separator: "."), convolution: convolution, value: module.results[0].value)
    }.sorted { $0.value == $1.value ? $0.name < $1.name : comesBefore($0.value, $1.value) }
  }

  /// The place after a convolution in a Sequential, if what follows it there reads the convolution.
  private func follower(
    of position: Int, in parent: String, among candidates: [FoldedChild]
  ) -> FoldedNormalization? {
    guard let before = candidates.first(where: { $0.name == String(position) }) else { return nil }
    let prefix = parent.isEmpty ? "" : parent + ".", next = "\(prefix)\(position + 2)"
    let readers = readers(of: before.value)
    let isFollowed =
      modules[next] != nil
      ? !readers.isEmpty && readers.allSatisfy { $0.contains(next) }
      : before.convolution == "\(prefix)\(position)"
    return isFollowed ? .one(convolution: before.convolution, before.value) : nil
  }
}

/// What stands before and after a word for a normalisation in a module's name; nil if there is no such word.
private func normalizationAffixes(_ name: String) -> [String]? {
  affixes(of: ["batch_norm", "batchnorm", "normalization", "normalisation", "norm", "bn"], in: name)
}

private func convolutionAffixes(_ name: String) -> [String]? { affixes(of: ["convolution", "conv"], in: name) }

/// What stands before and after the first of the words that is a word of the name: not a part of a longer one.
private func affixes(of words: [String], in name: String) -> [String]? {
  for word in words {
    for range in name.ranges(of: word) {
      let before = name[..<range.lowerBound], rest = name[range.upperBound...]
      let after = rest.hasPrefix("2d") ? rest.dropFirst(2) : rest
      if before.last?.isLetter != true, after.first?.isLetter != true { return [String(before), String(after)] }
    }
  }
  return nil
}

private func trailingNumber(_ name: String) -> String { String(name.reversed().prefix(while: \.isNumber).reversed()) }
