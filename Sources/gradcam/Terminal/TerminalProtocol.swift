import ArgumentParser

/// A way in which terminals show pictures.
enum TerminalProtocol: String, CaseIterable, ExpressibleByArgument {
  /// kitty's graphics: also Ghostty, Konsole, WezTerm and others.
  case kitty
  /// iTerm2's inline images: also mintty, WezTerm and others.
  case iterm2
  /// Sixel graphics of DEC's terminals: xterm, foot, Windows Terminal, VS Code and others.
  case sixel
  /// Two pixels a character, in colours of 24 bits.
  case blocks
  /// Two pixels a character, in the 256 colours of xterm.
  case blocks256

  /// Whether pictures are characters.
  var isText: Bool { self == .blocks || self == .blocks256 }
}
