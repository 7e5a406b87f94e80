import GradCAM
import Testing

@testable import GradCAMCommand

/// What a terminal is asked, what its answers mean, and how pictures are then shown.
struct TerminalDecisionTests {
  private static let kitty = "\u{1B}_Gi=31;OK\u{1B}\\\u{1B}P>|kitty(0.38.1)\u{1B}\\\u{1B}[6;20;9t\u{1B}[?62;52;c"
  private static let xterm = "\u{1B}P>|XTerm(379)\u{1B}\\\u{1B}[6;13;6t\u{1B}[?1;0;16S\u{1B}[?63;1;2;4;6;9;15;22c"
  private static let iTerm = "\u{1B}P>|iTerm2 3.5.3\u{1B}\\\u{1B}[?64;1;2;4;6;17;18;21;22c"
  private static let plain = "\u{1B}[?62;22c"

  private func answers(_ text: String) -> TerminalAnswers { TerminalAnswers(Array(text.utf8)) }

  @Test func answersAreRead() {
    let kitty = answers(Self.kitty), xterm = answers("q" + Self.xterm)
    #expect(kitty.hasKittyGraphics && kitty.name == "kitty(0.38.1)" && !kitty.hasSixel && kitty.isComplete)
    #expect(kitty.cell?.width == 9 && kitty.cell?.height == 20 && kitty.colorRegisters == nil)
    #expect(!xterm.hasKittyGraphics && xterm.hasSixel && xterm.colorRegisters == 16)
    let refused = answers("\u{1B}_Gi=31;EINVAL:unsupported\u{1B}\\\u{1B}[?1;2c")
    #expect(!refused.hasKittyGraphics && refused.attributes == [1, 2])
    // 14 and 40 are not 4, and keys are no answers.
    let keys = answers("\u{1B}[A\u{1B}Ox\u{1B}[?1;14;40c")
    #expect(!keys.hasSixel && keys.isComplete && keys.name == nil)
  }

  @Test func piecesOfAnswersAreNone() {
    let bytes = Array(Self.xterm.utf8)
    for count in 0..<bytes.count {
      let part = TerminalAnswers(Array(bytes.prefix(count)))
      #expect(!part.isComplete && !part.hasSixel, "\(count)")
    }
    #expect(TerminalAnswers(bytes).isComplete)
  }

  @Test(
    arguments: [
      // What a terminal says counts, whatever it calls itself.
      (["TERM": "xterm-256color"], kitty, TerminalProtocol.kitty), (["TERM": "xterm-256color"], xterm, .sixel),
      (["TERM": "xterm-256color"], iTerm, .iterm2), (["TERM": "xterm-256color"], plain, .blocks256),
      (["TERM": "xterm", "COLORTERM": "truecolor"], plain, .blocks), (["TERM": "alacritty"], plain, .blocks),
      // Of a terminal that was started from another one.
      (["TERM": "xterm-256color", "KITTY_WINDOW_ID": "1", "COLORTERM": "truecolor"], plain, .blocks),
      (["TERM": "xterm", "LC_TERMINAL": "iTerm2"], xterm, .sixel),
      // Over ssh, of versions that do not say their names.
      (["TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"], plain, .iterm2),
      // Silent terminals.
      (["TERM": "xterm-kitty"], "", .kitty), (["TERM": "xterm-256color"], "", .blocks256),
      (["TERM": "foot"], "", .blocks),
      (["TERM": "linux"], "", .blocks256), (["TERM": "dumb"], "", nil), ([:], "", .blocks256),
      // Through tmux and screen.
      (["TERM": "tmux-256color"], plain, .blocks), (["TERM": "screen-256color", "TMUX": "/tmp/x,1,0"], plain, .blocks),
      (["TERM": "tmux-256color", "LC_TERMINAL": "iTerm2"], plain, .blocks),
      (["TERM": "tmux-256color"], "\u{1B}[?1;2;4c", .sixel),
      (["TERM": "xterm-kitty", "TMUX": "/tmp/x,1,0"], "", .blocks),
      (["TERM": "screen.xterm-256color", "COLORTERM": "truecolor"], "", .blocks256),
    ] as [([String: String], String, TerminalProtocol?)])
  func theBestProtocolIsChosen(_ environment: [String: String], _ answer: String, _ expected: TerminalProtocol?) {
    let traits = TerminalTraits(environment, isOutput: true)
    #expect(traits.bestProtocol(answer.isEmpty ? nil : answers(answer)) == expected)
  }

  @Test func whatGoesElsewhereIsText() {
    for (environment, expected) in [
      (["TERM": "xterm-kitty"], TerminalProtocol.blocks), (["TERM": "dumb"], .blocks256), ([:], .blocks256),
      (["TERM": "xterm", "COLORTERM": "24bit"], .blocks),
    ] {
      let traits = TerminalTraits(environment, isOutput: false)
      #expect(traits.bestProtocol(nil) == expected && traits.query == nil)
    }
  }

  @Test func onlyTerminalsThatUnderstandAreAsked() throws {
    func query(_ environment: [String: String]) -> String? {
      TerminalTraits(environment, isOutput: true).query.map { String(decoding: $0.bytes, as: UTF8.self) }
    }
    let asked = try #require(query(["TERM": "xterm"]))
    #expect(asked.contains("\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\") && asked.contains("\u{1B}[c"))
    #expect(try #require(query(["TERM": "tmux-256color"])).contains("_G") == false)
    for term in ["dumb", "linux", "screen", ""] { #expect(query(["TERM": term]) == nil, "\(term)") }
  }

  private func picture(_ width: Int, _ height: Int) -> Picture {
    Picture(width: width, height: height, pixels: [UInt8](repeating: 50, count: 3 * width * height))
  }

  /// The lines of half blocks.
  private func lines(_ bytes: [UInt8]) -> [String] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map(String.init)
  }

  private func width(_ line: String) -> Int { line.count { $0 == "▀" } }

  @Test(arguments: [
    // Bound by the width, by the height (two rows stay free), and by the picture's own pixels.
    (400, 100, 80, 24, 80, 10), (100, 400, 80, 24, 11, 22), (16, 12, 80, 24, 16, 6), (1, 500, 80, 24, 1, 22),
  ])
  func halfBlocksFit(_ width: Int, _ height: Int, _ columns: Int, _ rows: Int, _ across: Int, _ down: Int) throws {
    let screen = TerminalScreen(terminalProtocol: .blocks, size: TerminalSize(columns: columns, rows: rows))
    let lines = lines(try screen.shown(picture(width, height)))
    #expect(lines.count == down && lines.allSatisfy { self.width($0) == across })
  }

  @Test func sixelsFitAndAreEnlargedALittle() throws {
    func size(_ picture: Picture, _ size: TerminalSize) throws -> [Int] {
      let shown = try TerminalScreen(terminalProtocol: .sixel, size: size).shown(picture)
      let start = try #require(shown.firstRange(of: Array("\u{1B}P".utf8))).lowerBound
      let end = try #require(shown.firstRange(of: Array("\u{1B}\\".utf8))).upperBound
      let decoded = try #require(TerminalPictures.sixel(shown[start..<end]))
      return [decoded.width, decoded.height]
    }
    let terminal = TerminalSize(columns: 100, rows: 30, cell: (8, 16))
    #expect(try size(picture(1600, 800), terminal) == [800, 400])
    #expect(try size(picture(800, 1600), terminal) == [224, 448])
    #expect(try size(picture(20, 30), terminal) == [80, 120])
  }

  /// Room is made first, the cursor stands at the start of the line below afterwards.
  @Test func kittyPicturesStandInTheirRows() throws {
    let screen = TerminalScreen(
      terminalProtocol: .kitty, size: TerminalSize(columns: 100, rows: 30, cell: (8, 16)))
    let bytes = try screen.shown(picture(400, 160)), text = String(decoding: bytes, as: UTF8.self)
    // 800 x 320 pixels are 100 columns and 20 rows.
    let rows = String(repeating: "\n", count: 20)
    #expect(text.hasPrefix(rows + "\u{1B}[20A\u{1B}7\u{1B}_Ga=T,f=100,c=100,C=1,q=2,m=0;"))
    #expect(text.hasSuffix("\u{1B}\\\u{1B}8\u{1B}[20B\r"))
    let sent = try Picture(decoding: try #require(TerminalPictures.kitty(bytes)).data)
    #expect(sent == picture(400, 160), "the terminal enlarges")
    let large = try #require(TerminalPictures.kitty(try screen.shown(picture(4000, 1600))))
    #expect(try Picture(decoding: large.data).size == PixelSize(width: 800, height: 320))
  }

  @Test func tmuxPassesCodesOn() throws {
    var screen = TerminalScreen(terminalProtocol: .iterm2, size: TerminalSize(columns: 80, rows: 24))
    let plain = String(decoding: try screen.shown(picture(4, 4)), as: UTF8.self)
    screen.isInTmux = true
    let wrapped = String(decoding: try screen.shown(picture(4, 4)), as: UTF8.self)
    let code = try #require(plain.firstMatch(of: /\u{1B}\]1337[^\u{7}]*\u{7}/)).0
    #expect(wrapped == plain.replacing(code, with: "\u{1B}Ptmux;\u{1B}\(code)\u{1B}\\"))
  }

  @Test func gridsStandInColumnsWithTheirLines() throws {
    let cells = try (0..<6).map { try PictureGrid.Cell(picture(50, 40), lines: [.text("label \($0)"), .name("name")]) }
    func shown(_ columns: Int?, width: Int) throws -> [String] {
      let screen = TerminalScreen(terminalProtocol: .blocks, size: TerminalSize(columns: width, rows: 100))
      return lines(try screen.shown(PictureGrid(title: "a\u{1B}title", cells: cells, columns: columns)))
    }
    // Three pictures of 25 columns, ten rows each.
    let two = try shown(3, width: 79)
    #expect(two.count == 1 + 2 * (10 + 2) && two[0] == "a\\x1btitle")
    #expect(two[1...10].allSatisfy { width($0) == 75 } && two[11...12].allSatisfy { width($0) == 0 })
    #expect(
      two[11] == "label 0" + String(repeating: " ", count: 20) + "label 1" + String(repeating: " ", count: 20)
        + "label 2")
    // Rows that are too wide continue below.
    let narrow = try shown(3, width: 40)
    #expect(narrow.filter { $0.contains("label 0") && $0.contains("label 1") }.count == 1)
    #expect(narrow.allSatisfy { width($0) <= 40 } && narrow.contains("label 2"))
    // As many as there is room for, if the grid does not say.
    #expect(try shown(nil, width: 79).filter { $0.contains("label") }.count == 2)
    #expect(try shown(nil, width: 170).filter { $0.contains("label") }.count == 1)
    #expect(try shown(nil, width: 10).filter { $0.contains("label") }.count == 6)
  }
}
