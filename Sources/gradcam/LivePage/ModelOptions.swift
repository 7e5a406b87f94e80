/// The options of this run that say how a model is opened and what its inputs get, which any other command needs, too, to
/// see it in the same way.
enum ModelOptions {
  private static let names: Set = [
    "--tensor", "--axes", "--image", "--preset", "--size", "--resize", "--crop", "--mean", "--std", "--range",
    "--channels", "--interpolation", "--layout", "--labels", "--output-name", "--max-pixels", "--models",
    "--memory-limit", "--plugin", "--plugin-dir", "--prefer", "--sandbox",
  ]

  /// The options with their values, as the command line has them.
  static let given: [String] = {
    var rest = CommandLine.arguments.dropFirst(2), given: [String] = []
    while let argument = rest.popFirst(), argument != "--" {
      guard let name = argument.split(separator: "=").first, names.contains(String(name)) else { continue }
      given.append(argument)
      if name.count == argument.count, let value = rest.popFirst() { given.append(value) }
    }
    return given
  }()
}
