import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Pictures padded as Ultralytics and YOLOX pad them, and maps taken back.
@Suite struct LetterboxTests {
  private let shapes: [(String, Letterbox)] = [
    ("letterbox", Letterbox()), ("letterbox:top-left", Letterbox(anchor: .topLeft)),
    ("letterbox:0", Letterbox(fill: .black)), ("letterbox:stride-32", Letterbox(stride: 32)),
    (
      "letterbox:top-left:#0a80ff:stride-64",
      Letterbox(
        anchor: .topLeft, fill: PixelColor(red: 10, green: 128, blue: 255), stride: 64)
    ),
  ]

  @Test func textsAreReadAndWritten() {
    for (text, letterbox) in shapes {
      #expect(Preprocessing.Resize(text) == .letterbox(letterbox))
      #expect(Preprocessing.Resize.letterbox(letterbox).description == text)
    }
    #expect(Letterbox("letterbox:center:114") == Letterbox() && Letterbox("letterbox:stride-8:centre")?.stride == 8)
    for text in [
      "letterbox:", "letterboxes", "letterbox:left", "letterbox:256", "letterbox:-1", "letterbox:#12345",
      "letterbox:#12345g", "letterbox:stride-0", "letterbox:stride-", "letterbox:0:1", "letterbox:centre:top-left",
      "letterbox:+12", "letterbox:stride-99999999999999999999", "",
    ] { #expect(Preprocessing.Resize(text) == nil, "\(text)") }
  }

  @Test func geometryIsUltralyticsAndYOLOXs() throws {
    let file = URL(filePath: fixture("preprocessing/letterbox.json"))
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[Any]])
    #expect(rows.count > 140)
    for row in rows {
      let numbers = row.dropFirst().compactMap { $0 as? Int }
      try #require(numbers.count == 10)
      let preprocessing = Preprocessing(resize: try #require(Preprocessing.Resize(try #require(row[0] as? String))))
      let geometry = try preprocessing.geometry(
        picture: PixelSize(width: numbers[0], height: numbers[1]),
        input: PixelSize(width: numbers[2], height: numbers[3]))
      #expect(geometry.resized == PixelSize(width: numbers[4], height: numbers[5]), "\(row)")
      #expect(
        geometry.crop == PixelRectangle(x: -numbers[6], y: -numbers[7], width: numbers[8], height: numbers[9]), "\(row)"
      )
    }
  }

  @Test(arguments: [
    ("down", "letterbox", 32, 32), ("up", "letterbox", 128, 96), ("top-left", "letterbox:top-left", 56, 40),
    ("stride", "letterbox:stride-32", 128, 128), ("fitting", "letterbox", 80, 47),
  ])
  func pixelsAreUltralyticsAndYOLOXs(_ name: String, _ text: String, _ width: Int, _ height: Int) throws {
    let array = try NPYArray(contentsOf: fixture("preprocessing/letterbox-\(name).npy"))
    let picture = try ImagingFixture.photograph(), letterbox = try #require(Letterbox(text))
    let geometry = letterbox.geometry(picture: picture.size, input: PixelSize(width: width, height: height))
    let input = try geometry.apply(to: picture, filter: .openCVBilinear)
    #expect([input.height, input.width, 3] == array.shape)
    let wrong = zip(input.pixels, array.values).count { Float($0) != $1 }
    #expect(wrong == 0)
  }

  @Test func deepPicturesArePaddedToo() throws {
    let deep = try Picture(contentsOf: ImagingFixture.path("deep.png"))
    let geometry = Letterbox().geometry(picture: deep.size, input: PixelSize(width: 40, height: 12))
    let input = try geometry.apply(to: deep, filter: .openCVBilinear)
    #expect(Array(try #require(input.deepSamples)[..<3]) == [29_298, 29_298, 29_298])
    #expect(Array(input.pixels[..<3]) == [114, 114, 114])
  }

  /// Sides of less than a pixel, and numbers far from each other.
  @Test func thinPicturesKeepAPixel() {
    for (width, height) in [(65_536, 1), (1, 65_536), (30_000, 3)] {
      for anchor in Letterbox.Anchor.allCases {
        let geometry = Letterbox(anchor: anchor).geometry(
          picture: PixelSize(width: width, height: height), input: PixelSize(width: 64, height: 64))
        #expect(geometry.resized.width >= 1 && geometry.resized.height >= 1)
        #expect(geometry.crop.size == PixelSize(width: 64, height: 64) && geometry.seen.size == geometry.original)
      }
    }
  }

  /// What a wide picture of 40 × 20 in an input of 32 × 32 shows: 16 rows, from row 8.
  private let wide = Letterbox().geometry(
    picture: PixelSize(width: 40, height: 20), input: PixelSize(width: 32, height: 32))

  @Test func contentIsThePartWithoutPadding() {
    #expect(wide.content == PixelRectangle(x: 0, y: 8, width: 32, height: 16))
    #expect(wide.isPadded && wide.seen == PixelRectangle(x: 0, y: 0, width: 40, height: 20))
    let cropped = PreprocessingGeometry(
      original: PixelSize(width: 50, height: 50), resized: PixelSize(width: 40, height: 40),
      crop: PixelRectangle(x: 4, y: 4, width: 32, height: 32))
    #expect(!cropped.isPadded && cropped.content == PixelRectangle(x: 0, y: 0, width: 32, height: 32))
  }

  /// The map over the picture is the part of the map without padding, resized to the picture.
  @Test func mapsAreTakenBack() throws {
    let values = (0..<32 * 32).map { Float(($0 * 7919) % 1009) / 1009 }
    let map = HeatMap(width: 32, height: 32, values: values)
    let projected = wide.project(map), expected = map.cropped(to: wide.content).resized(width: 40, height: 20)
    #expect(projected.size == PixelSize(width: 40, height: 20) && projected.seen == nil)
    // Within half a pixel of the input's padding, the map still slopes towards its value there.
    for y in 1..<19 { expectClose(row(y, of: projected), row(y, of: expected), within: 1e-5) }
    // At the size of the picture in the input, nothing is interpolated.
    #expect(wide.ofContent.project(map).values == map.cropped(to: wide.content).values)
  }

  private func row(_ y: Int, of map: HeatMap) -> [Float] { Array(map.values[y * map.width..<(y + 1) * map.width]) }

  /// A coarse map of which only one position, above the picture, is hot.
  @Test func aMapOnThePaddingShowsNothing() throws {
    let hot = HeatMap(width: 4, height: 4, values: [1] + [Float](repeating: 0, count: 15))
    let drawing = MapDrawing(maps: [[hot]], fusion: nil, compatibility: .pytorchGradCAM, isRectified: true)
    let tall = Letterbox().geometry(
      picture: PixelSize(width: 40, height: 10), input: PixelSize(width: 32, height: 32))
    #expect(drawing.isOnPadding(of: tall))
    #expect(drawing.drawn(over: tall).values.allSatisfy { $0 == 0 })
    let seen = HeatMap(width: 4, height: 4, values: (0..<16).map { $0 == 5 ? 1 : 0 })
    #expect(!MapDrawing(maps: [[seen]], fusion: nil, compatibility: .captum, isRectified: true).isOnPadding(of: tall))
    let filled = PreprocessingGeometry(
      original: PixelSize(width: 9, height: 9), resized: PixelSize(width: 32, height: 32))
    #expect(!drawing.isOnPadding(of: filled))
  }
}

/// A network explained with padded pictures.
@Suite struct LetterboxedNetworkTests {
  private let explainer: Explainer
  private let picture: Picture

  init() throws {
    let model = try shippedModel("shapes-vgg.onnx")
    var choice = PreprocessingChoice()
    choice.resize = .letterbox(Letterbox())
    explainer = try Explainer(model, preprocessing: DecidedPreprocessing(choice, for: model))
    picture = try SamplePictures.picture("single-003-star.png").resized(width: 120, height: 60)
  }

  @Test func paddingIsNoPartOfMapsAndMetrics() throws {
    #expect(explainer.preprocessing.interpolation == .opencv)
    #expect(explainer.preprocessingText.contains("letterboxed to 96×96, grey 114"))
    let image = try explainer.prepare(picture)
    #expect(image.tensor.shape == [1, 3, 96, 96])
    // (114 ⁄ 255 − 0.5) ⁄ 0.25
    #expect(abs(image.tensor.floats[0] + 0.2118) < 1e-3)
    let observation = try explainer.observe(image)
    let explanation = try explainer.explain(classIndex: 3, of: observation)[0]
    #expect(explanation.seen == nil && explanation.drawnMap().size == picture.size)
    let map = explanation.inputMap()
    #expect(map.size == PixelSize(width: 96, height: 96))
    #expect(map.seen == PixelRectangle(x: 0, y: 24, width: 96, height: 48))
    #expect(map.values[..<(24 * 96)].allSatisfy { $0 == 0 } && map.values.max()! > 0.9)

    let probe = observation.probe(0, 3, .probability)
    let measured = MeasuredMap(
      map, of: probe.inputPlanes, probability: Double(try probe.score), content: explanation.geometry.content,
      pictureMap: explanation.drawnMap())
    #expect(measured.ranking.count == 96 * 48 && Set(measured.ranking).count == 96 * 48)
    #expect(measured.ranking.allSatisfy { (24..<72).contains($0 / 96) })
    #expect(measured.ranking.first == map.values.firstIndex(of: map.values.max()!))
    for metric in Metrics.all {
      for change in metric.changes(of: measured) {
        for (plane, before) in zip(change.planes(), measured.planes) {
          #expect(plane[..<(24 * 96)] == before[..<(24 * 96)] && plane[(72 * 96)...] == before[(72 * 96)...])
        }
      }
    }
    let changes = Deletion().changes(of: measured)
    #expect(changes.last!.planes()[0][(24 * 96)..<(72 * 96)].allSatisfy { $0 == 0 })
    for value in try explainer.measure([explanation], of: observation, by: Metrics.all)[0].prefix(4) {
      #expect(value != nil)
    }
  }

  /// A picture that fills the input is the same as squashed by OpenCV's filter.
  @Test func aFittingPictureIsNotPadded() throws {
    let square = try picture.resized(width: 150, height: 150)
    let image = try explainer.prepare(square)
    #expect(!image.geometry.isPadded)
    var choice = PreprocessingChoice()
    (choice.resize, choice.interpolation) = (.exact(PixelSize(width: 96, height: 96)), .opencv)
    let squashing = explainer.preparing(by: try DecidedPreprocessing(choice, for: explainer.model))
    #expect(try squashing.prepare(square).tensor.floats == image.tensor.floats)
    #expect(try explainer.prepare(picture).tensor.floats != squashing.prepare(picture).tensor.floats)
  }
}
