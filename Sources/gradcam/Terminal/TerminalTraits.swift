/// What the environment says about the terminal.
struct TerminalTraits {
  /// A program between this one and the terminal.
  enum Multiplexer { case tmux, screen }

  let multiplexer: Multiplexer?
  /// The size that variables give.
  let columns, rows: Int?
  /// Whether standard output is the terminal.
  let isOutput: Bool
  private let environment: [String: String]

  /// - Parameter isOutput: whether standard output is a terminal.
  init(_ environment: [String: String], isOutput: Bool) {
    (self.environment, self.isOutput) = (environment, isOutput)
    let term = environment["TERM"] ?? ""
    if environment["TMUX"] ?? "" != "" || term.hasPrefix("tmux") {
      multiplexer = .tmux
    } else {
      multiplexer = environment["STY"] ?? "" != "" || term.hasPrefix("screen") ? .screen : nil
    }
    (columns, rows) = (environment["COLUMNS"].flatMap { Int($0) }, environment["LINES"].flatMap { Int($0) })
  }

  private var term: String { environment["TERM"] ?? "" }

  /// What to ask the terminal; nil if it is not to be asked.
  ///
  /// Old consoles of Linux show what they do not know. Multiplexers answer for themselves, and tmux takes kitty's question
  /// for the title of a pane.
  var query: TerminalQuery? {
    guard isOutput, multiplexer != .screen, !["dumb", "linux", ""].contains(term) else { return nil }
    return TerminalQuery(asksForKitty: multiplexer == nil)
  }

  /// The best way to show pictures; nil if the terminal has no colours.
  ///
  /// It is what the terminal says that it has; else what terminals of its name have; else half blocks.
  /// If standard output is not the terminal, these are half blocks: they pass through pagers and into logs.
  ///
  /// - Parameter answers: nil if it was not asked, or did not answer.
  func bestProtocol(_ answers: TerminalAnswers?) -> TerminalProtocol? {
    let blocks = has24Bits(answers) ? TerminalProtocol.blocks : .blocks256
    guard isOutput else { return blocks }
    if term == "dumb" { return nil }
    if multiplexer == nil {
      if answers?.hasKittyGraphics ?? ["xterm-kitty", "xterm-ghostty"].contains(term) { return .kitty }
      // Older ones do not say their names.
      if answers?.name.map({ $0.hasPrefix("iTerm2") }) ?? isITerm { return .iterm2 }
    }
    return answers?.hasSixel == true ? .sixel : blocks
  }

  /// The second variable reaches programs over ssh.
  private var isITerm: Bool { environment["TERM_PROGRAM"] == "iTerm.app" || environment["LC_TERMINAL"] == "iTerm2" }

  /// Whether colours may have 24 bits.
  ///
  /// Terminals that say their names are young enough. tmux reduces them to what its terminal has; screen takes them for
  /// other attributes.
  private func has24Bits(_ answers: TerminalAnswers?) -> Bool {
    if let multiplexer { return multiplexer == .tmux }
    if ["truecolor", "24bit"].contains(environment["COLORTERM"]) || answers?.name != nil { return true }
    if environment["WT_SESSION"] != nil || isITerm { return true }
    return ["direct", "kitty", "ghostty", "alacritty", "foot", "wezterm", "contour"].contains { term.contains($0) }
  }
}
