import Testing

@testable import GradCAM

@Suite struct BoxDrawingTests {
  private let size = PixelSize(width: 100, height: 80)

  private func drawn(_ boxes: [(OrientedBox, explained: Bool)]) -> Picture {
    let found = boxes.enumerated().map { index, box in
      DetectedBox(rank: index, index: index, classIndex: 1, label: "cat", score: 0.876, outline: box.0)
    }
    let explained = Set(boxes.indices.filter { boxes[$0].explained })
    let picture = Picture(width: 100, height: 80, pixels: [UInt8](repeating: 128, count: 3 * 8000))
    let geometry = PreprocessingGeometry(original: size, resized: PixelSize(width: 50, height: 40))
    return DrawnBoxes(DetectedBoxes(boxes: found, explained: explained), in: geometry).drawn(over: picture)
  }

  private func level(_ picture: Picture, _ x: Int, _ y: Int) -> UInt8 { picture.pixels[3 * (y * 100 + x)] }

  @Test func theOneExplainedIsThick() {
    // 30 … 70 × 40 … 70 in the picture, which is twice as large as the network's input.
    let box = OrientedBox(x: 25, y: 27.5, width: 20, height: 15)
    let plain = drawn([(box, false)]), thick = drawn([(box, true)])
    #expect(level(plain, 30, 60) == 255 && level(plain, 29, 60) == 0 && level(plain, 31, 60) == 0)
    #expect(level(plain, 28, 60) == 128 && level(plain, 32, 60) == 128 && level(plain, 50, 55) == 128)
    #expect(
      (29...31).allSatisfy { level(thick, $0, 60) == 255 } && level(thick, 28, 60) == 0 && level(thick, 32, 60) == 0)
    #expect(level(plain, 50, 70) == 255 && level(plain, 70, 50) == 255)
    // Its title above it: black on white.
    let title = (20..<40).flatMap { y in (30..<100).map { level(plain, $0, y) } }
    #expect(title.contains(0) && title.count { $0 == 255 } > 700 && title.allSatisfy { $0 == 0 || $0 == 255 })
  }

  @Test func whatLiesOutsideIsNotDrawn() {
    for box in [
      OrientedBox(x: 1e8, y: -1e8, width: 1e8, height: 10), OrientedBox(x: 25, y: 20, width: 1e8, height: 1e8),
      OrientedBox(x: -5, y: 10, width: 20, height: 0),
    ] { #expect(drawn([(box, true)]).size == size) }
    var turned = OrientedBox(x: 25, y: 20, width: 20, height: 4)
    turned.angle = .pi / 4
    let picture = drawn([(turned, false)])
    // The middle of its long side: 50 + 2√2 × … in the picture.
    #expect(level(picture, 53, 37) != 128 && level(picture, 50, 40) == 128)
  }

  @Test func theTitleHasTwoDecimals() {
    for (score, text) in [(Float(0.876), "cat 0.88"), (0.04, "cat 0.04"), (0.999, "cat 1.00"), (.nan, "cat 0.00")] {
      let box = DetectedBox(
        rank: 0, index: 0, classIndex: 1, label: "cat", score: score,
        outline: OrientedBox(x: 0, y: 0, width: 1, height: 1))
      #expect(box.title == text)
    }
  }
}
