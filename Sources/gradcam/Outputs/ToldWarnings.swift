import GradCAM

/// What is said about the maps of an image: each once, with the maps that it is about.
struct ToldWarnings {
  private var found: [(warning: Warning, maps: [(place: String, method: String)])] = []

  /// - Parameter explanations: all those of the image.
  init(_ explanations: [Explanation]) {
    for explanation in explanations {
      let name = explanation.scored?.label ?? explanation.target.name
      let place = "\(name) at \(place(node: explanation.node, tensor: explanation.tensor))"
      for warning in explanation.warnings {
        let map = (place, explanation.method)
        if let index = found.firstIndex(where: { $0.warning == warning }) {
          found[index].maps.append(map)
        } else {
          found.append((warning, [map]))
        }
      }
    }
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
