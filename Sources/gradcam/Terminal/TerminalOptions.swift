import ArgumentParser
import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Whether pictures are shown in the terminal, and how.
struct TerminalOptions: ParsableArguments {
  @Flag(help: "Show pictures in the terminal; without --output they are not written.") var terminal = false

  @Option(
    help: ArgumentHelp(
      "How they are shown, if not as the terminal says that it can; implies --terminal. blocks: half blocks in 24-bit "
        + "colours, blocks256: in 256.", valueName: "NAME"))
  var terminalProtocol: TerminalProtocol?

  /// Whether pictures are shown.
  var showsPictures: Bool { terminal || terminalProtocol != nil }

  /// Where pictures are shown; nil if they are not.
  ///
  /// It may ask the terminal, which must happen before the sandbox closes it.
  ///
  /// Throws `usage` if the terminal is one without colours and no protocol is named.
  func screen() throws -> TerminalScreen? {
    guard showsPictures else { return nil }
    // A run that is repeated shows nothing, so it asks nothing.
    let terminal = Console.isMuted ? nil : ControllingTerminal()
    let traits = TerminalTraits(ProcessInfo.processInfo.environment, isOutput: isatty(STDOUT_FILENO) == 1)
    let answers = traits.query.flatMap { terminal?.answers(to: $0) }
    guard let chosen = terminalProtocol ?? traits.bestProtocol(answers) else {
      throw GradCAMError(
        .usage, at: "--terminal", problem: "this terminal shows no colours (TERM=dumb)",
        advice: "name a protocol with --terminal-protocol if it does, or write files with --output")
    }
    return TerminalScreen(
      terminalProtocol: chosen, size: TerminalSize(terminal, traits, answers),
      colorCount: min(max(answers?.colorRegisters ?? 256, 2), 256), isInTmux: traits.multiplexer == .tmux)
  }

  /// Throws `ValidationError` if standard output belongs to JSON.
  func check(_ isJSON: Bool) throws {
    if isJSON, showsPictures {
      throw ValidationError("Give --terminal or JSON, not both: standard output would hold pictures and JSON.")
    }
  }
}
