import GradCAM

/// What is said about the maps of an image: each once, with the maps that it is about.
struct ToldWarnings {
  private let found: [(warning: Warning, subjects: [(place: String, method: String)])]

  /// - Parameter explanations: all those of the image.
  init(_ explanations: [Explanation]) {
    found = Self.grouped(
      explanations.flatMap { explanation in
        let name = explanation.scored?.label ?? explanation.target.name
        let place = "\(name) at \(place(node: explanation.node, tensor: explanation.tensor))"
        return explanation.warnings.map { ($0, (place, explanation.method)) }
      })
  }

  /// Each warning once, with all that it is about, in order.
  static func grouped<Subject>(_ pairs: [(Warning, Subject)]) -> [(warning: Warning, subjects: [Subject])] {
    var found: [(warning: Warning, subjects: [Subject])] = []
    for (warning, subject) in pairs {
      if let index = found.firstIndex(where: { $0.warning == warning }) {
        found[index].subjects.append(subject)
      } else {
        found.append((warning, [subject]))
      }
    }
    return found
  }

  /// Writes them to standard error.
  func tell(image: String) {
    for (warning, maps) in found {
      Console.tell(warning, about: image + (warning.code.isAboutMap ? ": \(Self.text(maps))" : ""))
    }
  }

  /// For example `star at layer4 by gradcam, layercam and 5 others; moon at layer4 by gradcam`.
  private static func text(_ maps: [(place: String, method: String)]) -> String {
    let places = maps.map(\.place).withoutRepeats
    let texts = places.prefix(3).map { place in
      let methods = maps.filter { $0.place == place }.map(\.method).withoutRepeats
      let rest = methods.count > 3 ? " and \(methods.count - 3) others" : ""
      return "\(place) by \(methods.prefix(3).joined(separator: ", "))\(rest)"
    }
    return texts.joined(separator: "; ") + (places.count > 3 ? "; and \(places.count - 3) others" : "")
  }
}
