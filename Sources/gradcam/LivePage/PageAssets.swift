import CPage

/// The page's own text: markup, style and script.
enum PageAssets {
  /// The page as a server gives it, with style and script in files beside it.
  static let markup = String(cString: page_markup())
  /// The style sheet.
  static let style = String(cString: page_style())
  /// The script.
  static let script = bundle(String(cString: page_modules()))
  /// The description of the server's interface.
  static let interface = String(cString: page_interface())

  /// Modules as one script in strict mode: their imports are left out, and what they export are its variables.
  ///
  /// - Parameter modules: each after those that it imports; no two have a variable of the same name.
  static func bundle(_ modules: String) -> String {
    let lines = modules.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line -> Substring? in
      line.hasPrefix("import ") ? nil : line.hasPrefix("export ") ? line.dropFirst("export ".count) : line
    }
    return "\"use strict\";\n{\n\(lines.joined(separator: "\n"))\n}\n"
  }
}
