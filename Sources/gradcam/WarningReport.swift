import GradCAM

/// A warning or a note in documents.
struct WarningReport: Encodable, Hashable {
  let code, kind, text: String

  init(_ warning: Warning) {
    (code, kind) = (warning.code.rawValue, warning.code.isNote ? "note" : "warning")
    text = warning.text.asOptions
  }
}
