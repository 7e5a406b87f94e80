import GradCAM
import Testing

@testable import GradCAMCommand

/// What a report says in words follows from its numbers.
struct FindingsTests {
  private let sixImages = ["star.png", "moon.jpg", "3.png", "4.png", "5.png", "6.png"]

  @Test func twoModels() throws {
    let findings = try Comparison.madeUp(images: sixImages).findings
    #expect(
      findings == [
        Finding(
          question: "Whose maps point at the object most often?", answer: "shapes-vgg",
          detail: "in 50% of the images that have boxes; shapes-resnet in 20%"),
        Finding(
          question: "Whose maps measure best?", answer: "shapes-resnet",
          detail: "by average-drop, deletion, road and energy-inside, 4 of 8 metrics; shapes-vgg by 3"),
        Finding(
          question: "Which is fastest?", answer: "shapes-resnet",
          detail: "8.50 ms per explanation; shapes-vgg takes 2.0 times as long (17.0 ms)"),
        Finding(
          question: "Do all models predict this class?", answer: "Yes, in 2 of 6 images",
          detail: "another class is chosen by shapes-resnet (2) and shapes-vgg (2)"),
        Finding(
          question: "How alike are their maps?", answer: "Pearson’s r = 0.35",
          detail: "on average; 1 is the same map, 0 no relation"),
        Finding(
          question: "Where do they differ most?", answer: "3.png",
          detail: "Pearson’s r 0.00; most alike in 4.png, 0.70", image: 2),
      ])
  }

  @Test func severalModels() throws {
    let findings = try Comparison.madeUp(
      models: ["a", "b", "c", "d"], images: ["x/1.png", "y/1.png", "z.png", "4.png", "5.png", "6.png"]
    ).findings
    #expect(
      findings.map { "\($0.answer): \($0.detail)" } == [
        "c: in 80% of the images that have boxes; the others in 0% to 50%",
        "a: by average-drop, road and energy-inside, 3 of 8 metrics; c by 2",
        "a: 8.50 ms per explanation; d takes 4.0 times as long (34.0 ms)",
        "No: another class is chosen most often by a (2), b (2) and c (2)",
        "a and b: mean Pearson’s r 0.35; least alike are a and d, −0.05",
        "z.png: mean Pearson’s r −0.13; most alike in 4.png, 0.57",
      ])
  }

  /// Few images do not rank models.
  @Test func fewImagesTellNothing() throws {
    let few = try Comparison.madeUp()
    #expect(
      few.findings.prefix(2) == [
        Finding(
          question: "How often do the maps point at the object?", answer: "In 20% to 50% of the images",
          detail: "that have boxes; 2 images do not tell the models apart"),
        Finding(
          question: "Whose maps measure best?", answer: "That cannot be told",
          detail: "2 images do not tell the models apart by any metric"),
      ])
    #expect(few.metrics.allSatisfy { few.best(by: $0).isEmpty })
    #expect(few.notes == ["2 images cannot tell models apart; 5 or more can."])
  }

  /// Nothing is best where all are equal, and one model is compared with none.
  @Test func nothingIsBestAmongEquals() throws {
    let comparison = try Comparison.madeUp(models: ["a", "a again"], images: ["1.png"])
    let equal = Comparison(
      method: "gradcam", metrics: comparison.metrics, measuresOwnClass: false,
      models: [comparison.models[0], comparison.models[0]],
      images: comparison.images)
    #expect(
      equal.findings.map { "\($0.answer): \($0.detail)" } == [
        "In 20% of the images: that have boxes, whichever the model",
        "That cannot be told: 1 image does not tell the models apart by any metric",
        "All about equally fast: 8.50 ms per explanation",
        "No: a again says “class 5” in 1.png",
        "Pearson’s r = 0.70: 1 is the same map, 0 no relation",
      ])
    let one = try Comparison.madeUp(models: ["a"], images: ["1.png"])
    #expect(
      one.findings.map { "\($0.answer): \($0.detail)" } == [
        "In 20% of the images: that have boxes",
        "Yes: it is its top class",
      ])
  }

  /// The same comparison in which a model says one class of all images.
  private func comparison(saying top: (Int, Int) -> Int, boxed: Bool = false) throws -> Comparison {
    let made = try Comparison.madeUp(models: ["a", "b"], images: ["1.png", "2.png", "3.png"])
    return Comparison(
      method: made.method, metrics: made.metrics, measuresOwnClass: false, models: made.models,
      images: made.images.enumerated().map { number, image in
        ComparedImage(
          image: image.image, width: image.width, height: image.height, label: image.label, asked: .given,
          results: image.results.enumerated().map { model, result in
            ComparedResult(
              model: result.model, class: result.class, label: result.label, logit: result.logit,
              probability: result.probability,
              top: .init(class: top(model, number), label: nil, probability: 0.9),
              metrics: result.metrics, warnings: [], heat: [])
          }, agreement: image.agreement, photograph: [],
          boxes: boxed ? [PixelRectangle(x: 0, y: 0, width: 1, height: 1)] : [])
      })
  }

  @Test func aModelThatSaysTheSameOfEverythingIsNotRanked() throws {
    let doubtful = try comparison { model, image in model == 1 ? 7 : image }
    #expect(doubtful.doubts.map(\.model) == [1])
    #expect(doubtful.doubts[0].finding == "calls all 3 images “class 7”")
    #expect(doubtful.withDoubts.models[1].warnings.last == WarningReport(doubtful.doubts[0].warning))
    #expect(doubtful.findings[0].answer == "Probably not b")
    #expect(!doubtful.findings.contains { $0.question.hasPrefix("Whose maps measure") })
    // Both may be right where every image shows the same.
    #expect(try comparison { _, _ in 3 }.doubts.isEmpty)
    #expect(try comparison { _, image in image }.doubts.isEmpty)
  }

  @Test func aModelThatNearlyNeverSaysWhatIsThereIsDoubted() throws {
    let doubtful = try comparison(saying: { model, image in model == 0 ? 3 : image }, boxed: true)
    #expect(
      doubtful.doubts.map(\.finding) == ["calls all 3 images “class 3”", "finds what has a box in none of 3 images"])
    #expect(
      try comparison(saying: { _, image in image == 0 ? 3 : image }, boxed: true).doubts.isEmpty)
  }
}
