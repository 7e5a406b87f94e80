import GradCAM

@testable import GradCAMCommand

extension Comparison {
  /// A comparison of no real models, for tests of what is made of one; its pictures are of several shapes.
  static func madeUp(
    models: [String] = ["shapes-resnet", "shapes-vgg"], images: [String] = ["samples/star.png", "samples/moon.jpg"],
    label: String = "star"
  ) throws -> Comparison {
    let metrics = Metrics.all.filter(\.isUsual).map { MetricColumn($0) }
    return Comparison(
      method: "gradcam", metrics: metrics, measuresOwnClass: false,
      models: models.enumerated().map { number, name in
        ComparedModel(
          name: name, path: "\(name).onnx", node: "features.\(20 + number)", input: "224x224",
          preprocessing: "RGB 0–1", classes: 8,
          cost: .init(
            parameters: 312_400 * (number + 1), gflop: 0.254 * Double(number + 1), forward_ms: 3.21 + Double(number),
            explanation_ms: 8.5 * Double(number + 1), peak_mb: number == 0 ? 41.7 : nil),
          means: .init(
            uniqueKeysWithValues: metrics.enumerated().map { place, metric in
              (metric.name, place == 2 && number == 0 ? nil : Double((3 * number + 5 * place) % 11) / 10 - 0.1)
            }), intervals: [:],
          warnings: number == 1
            ? [WarningReport(Warning(code: .labelsAssumed, text: "the labels are ImageNet's, by their number"))] : [])
      },
      images: try images.enumerated().map { number, path in
        let (width, height) = number % 2 == 0 ? (96, 64) : (48, 80)
        let photograph = Picture(
          width: width, height: height,
          pixels: (0..<3 * width * height).map { UInt8(($0 / 3 % width * 2 + $0 / width + 80 * ($0 % 3)) % 256) })
        let boxes = [PixelRectangle(x: 8, y: 6, width: 20, height: 30)]
        return ComparedImage(
          image: path, width: width, height: height, label: label, asked: .given,
          results: try models.enumerated().map { model, name in
            let isTop = (model + number) % 3 != 1
            return ComparedResult(
              model: name, class: 3, label: label, logit: 4.2, probability: 0.715,
              top: .init(class: isTop ? 3 : 5, label: isTop ? label : nil, probability: 0.8),
              metrics: .init(
                uniqueKeysWithValues: metrics.enumerated().map { place, metric in
                  (metric.name, place == 5 && number == 0 ? nil : Double(place + model) / 10)
                }),
              warnings: model == 0 && number == 0
                ? [WarningReport(Warning(code: .mapAllZero, text: "the map is zero everywhere"))] : [],
              heat: try HeatMap(
                width: width, height: height,
                values: (0..<width * height).map { Float(($0 % width + 20 * model) % width) / Float(width) }
              ).colored(with: .jet).encoded(for: "heat.jpg"))
          },
          agreement: models.indices.flatMap { first in
            models.indices.dropFirst(first + 1).map { second in
              let value = 0.9 - 0.2 * Double((second - first) % 5) - 0.35 * Double(number % 3)
              return ComparedPair(
                first: models[first], second: models[second], pearson: value, spearman: value - 0.1, ssim: value / 2,
                iou: number == 0 ? nil : abs(value) / 3)
            }
          }, photograph: try photograph.encoded(for: "photograph.jpg"), boxes: number == 0 ? [] : boxes)
      })
  }
}
