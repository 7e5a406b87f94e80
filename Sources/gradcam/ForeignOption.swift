import GradCAM
import Graph

/// An option by the name that another program gives it.
struct ForeignOption {
  private let given: String
  private let advice: String

  /// What this program calls the options of others.
  private static let names = [
    "--layer": "--node", "--layers": "--node", "--target-layer": "--node", "--target-layers": "--node",
    "--layer-name": "--node", "--module": "--node", "--out": "--output", "--output-dir": "--output",
    "--outdir": "--output", "--out-dir": "--output", "--category": "--class", "--label": "--class",
    "--class-idx": "--class", "--target-class": "--class", "--target-category": "--class", "--topk": "--top",
    "--top-k": "--top", "--cam": "--method", "--algorithm": "--method", "--cmap": "--colormap", "--alpha": "--blend",
    "--normalization": "--preset", "--jobs": "--threads", "--num-threads": "--threads",
    "--eigen-smooth": "--smooth eigen",
    "--aug-smooth": "--smooth aug", "--verbose": "", "--device": "", "--use-cuda": "", "--cuda": "", "--gpu": "",
  ]
  /// What is given without an option.
  private static let positions = [
    "--model": "the model comes first, without an option", "--input": "pictures follow the model, without an option",
    "--image-path": "pictures follow the model, without an option",
    "--img": "pictures follow the model, without an option",
  ]

  /// Nil unless the parser's message is about such an option.
  init?(in arguments: some Sequence<String>, _ message: String) {
    for argument in arguments {
      let name = argument.split(separator: "=").first.map { $0.lowercased().replacing("_", with: "-") } ?? ""
      guard message.contains("Unknown option '\(argument.split(separator: "=").first ?? "")'") else { continue }
      if let position = Self.positions[name] {
        (given, advice) = (argument, position)
        return
      }
      if let own = Self.names[name] {
        given = argument
        advice =
          own.isEmpty
          ? "leave it out: the program runs on all cores, and has no such setting" : "this program calls it \(own)"
        return
      }
    }
    return nil
  }

  /// The message for the user.
  var error: GradCAMError {
    GradCAMError(.usage, at: given, problem: "is not an option", advice: "\(advice)")
  }
}
