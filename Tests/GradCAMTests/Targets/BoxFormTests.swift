import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct BoxFormTests {
  private let size = PixelSize(width: 200, height: 100)

  private func numbers(_ box: OrientedBox?) -> [Float] {
    box.map { [$0.x, $0.y, $0.width, $0.height].map(Float.init) } ?? []
  }

  @Test(arguments: [
    (BoxForm.Numbers.cxcywh, BoxForm.Unit.pixels, [Float(50), 40, 20, 10]),
    (.xyxy, .pixels, [40, 35, 60, 45]), (.xywh, .pixels, [40, 35, 20, 10]), (.yxyx, .pixels, [35, 40, 45, 60]),
    (.cxcywh, .share(1), [0.25, 0.4, 0.1, 0.1]), (.yxyx, .share(1000), [350, 200, 450, 300]),
  ])
  func allFormsDescribeOneBox(_ form: BoxForm.Numbers, _ unit: BoxForm.Unit, _ values: [Float]) {
    let box = BoxForm(numbers: form, unit: unit).box(values, cell: nil, over: size)
    expectClose(numbers(box), [50, 40, 20, 10], within: 1e-4)
  }

  @Test func cellsAreThoseOfTheBoxItself() {
    let form = BoxForm(numbers: .cxcywh, unit: .cells)
    // Cells of 20 × 25 pixels: the centre is half a cell right of column 2, a quarter below row 1.
    let cell = BoxScales.Cell(scale: 0, row: 1, column: 2, rows: 4, columns: 10, anchor: 0)
    let box = form.box([0.5, 0.25, 0, 0.6931472], cell: cell, over: size)
    expectClose(numbers(box), [50, 31.25, 20, 50], within: 1e-4)
    #expect(form.box([0.5, 0.25, 0, 0], cell: nil, over: size) == nil)
    #expect(form.box([0.5, 0.25, 0, 1000], cell: cell, over: size) == nil, "not finite")
    #expect(form.box([.nan, 0, 0, 0], cell: cell, over: size) == nil)
  }

  @Test(arguments: [
    // Cells of 20 × 25 pixels; the centre of this one is at 50, 37.5.
    (BoxForm.Unit.pixels, [Float(10), 12.5, 30, 37.5], [Float(60), 50, 40, 50]),
    (.cells, [0.5, 0.5, 1.5, 1.5], [60, 50, 40, 50]), (.corners, [0, 0, 2, 2], [60, 50, 40, 50]),
    (.share(1), [0.05, 0.125, 0.15, 0.375], [60, 50, 40, 50]),
  ])
  func distancesAreFromThePointOfTheCell(_ unit: BoxForm.Unit, _ values: [Float], _ expected: [Float]) {
    let cell = BoxScales.Cell(scale: 0, row: 1, column: 2, rows: 4, columns: 10, anchor: 0)
    let form = BoxForm(numbers: .ltrb, unit: unit)
    expectClose(numbers(form.box(values, cell: cell, over: size)), expected, within: 1e-4)
    #expect(form.needsCell && form.box(values, cell: nil, over: size) == nil)
  }

  private func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double, turned: Double = 0) -> OrientedBox {
    var box = OrientedBox(x: x, y: y, width: width, height: height)
    box.angle = turned
    return box
  }

  @Test func overlapIsTheSharedPartOfBoth() {
    let first = box(10, 10, 10, 10)
    #expect(first.overlap(with: first) == 1 && first.overlap(with: box(30, 10, 10, 10)) == 0)
    #expect(abs(first.overlap(with: box(15, 10, 10, 10)) - 1 / 3) < 1e-9)
    #expect(first.overlap(with: box(10, 10, 5, 5)) == 0.25)
    #expect(box(0, 0, 0, 0).overlap(with: box(0, 0, 0, 0)) == 0)
    #expect(first.overlap(with: box(10, 10, -3, 10)) == 0)
  }

  @Test func turnedBoxesShareWhatTheirCornersEnclose() {
    let first = box(10, 10, 10, 10)
    // A square in its own, turned by 45°: half of its area, which lies inside.
    let turned = box(10, 10, 50.0.squareRoot(), 50.0.squareRoot(), turned: .pi / 4)
    #expect(abs(first.overlap(with: turned) - 0.5) < 1e-9 && abs(turned.overlap(with: first) - 0.5) < 1e-9)
    // A bar and the same bar turned by 90°: the middle of both.
    let bar = box(0, 0, 20, 2), crossed = box(0, 0, 20, 2, turned: .pi / 2)
    #expect(abs(bar.overlap(with: crossed) - 4.0 / 76) < 1e-9)
    #expect(abs(bar.overlap(with: box(0, 0, 2, 20)) - bar.overlap(with: crossed)) < 1e-9)
    #expect(bar.overlap(with: box(0, 5, 20, 2, turned: 1e-9)) < 1e-6)
    #expect(abs(crossed.corners[0].x - 1) < 1e-9 && abs(crossed.corners[0].y + 10) < 1e-9)
  }

  @Test func pointsOfTheInputLieInThePicture() {
    // 400 × 300, resized to 200 × 150, of which the middle 100 × 100.
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 400, height: 300), resized: PixelSize(width: 200, height: 150),
      crop: PixelRectangle(x: 50, y: 25, width: 100, height: 100))
    let found = DetectedBox(
      rank: 0, index: 3, classIndex: nil, label: nil, score: 0.5, outline: box(50, 50, 20, 1000))
    #expect(found.edges(in: geometry) == [180, 0, 220, 300] && found.title == "box 0.50")
    #expect(found.corners(in: geometry)[0].y == -850)
  }
}
