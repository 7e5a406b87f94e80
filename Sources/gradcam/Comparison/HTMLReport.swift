struct HTMLReport { init(_ comparison: Comparison) {}; var text: String { "" } }
