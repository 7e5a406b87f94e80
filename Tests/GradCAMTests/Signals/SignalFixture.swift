import Foundation
import Graph
import Testing

@testable import GradCAM

/// One of the networks that Fixtures/signals/make.py exported: its input is no picture.
struct SignalFixture: Decodable, Sendable, CustomStringConvertible {
  struct Tap: Decodable, Sendable {
    /// What is given to `--node`.
    let query: String
    /// `drawn` is the map over the input.
    let activation, gradient, gradcam, drawn: NetworkFixture.Place
    /// Score-CAM's weights, and two metrics of the map, of some networks.
    let scores: NetworkFixture.Place?
    let insertion, deletion: Double?
  }

  let name: String
  let `class`: Int
  let numbers: String
  let input, output: NetworkFixture.Place
  let taps: [Tap]

  var description: String { name }

  static let all: [SignalFixture] = fixtures("signals/signals.json")

  static func named(_ name: String) throws -> SignalFixture { try #require(all.first { $0.name == name }) }

  var path: String { fixture("signals/\(name).onnx") }

  func model(layout: ImageShape.Layout? = nil) throws -> Model { try Model(contentsOf: path, layout: layout) }

  func tensor(_ place: NetworkFixture.Place) throws -> Tensor {
    let values = try NPYArray(contentsOf: fixture("signals/\(numbers)")).values, shape = Shape(place.shape)
    return Tensor(Array(values[place.offset..<place.offset + shape.count]), shape: shape)
  }

  /// The network run on its input, with the target that the truth is about.
  func explained(
    at nodes: [String], reusesWeights: Bool = false
  ) throws -> (explainer: Explainer, observation: Observation, target: any Target) {
    var request = TargetRequest()
    request.classes = ["\(`class`)"]
    let explainer = try Explainer(
      model(), explaining: request, nodes: nodes, threadCount: 2, reusesWeights: reusesWeights)
    let observation = try explainer.observe(explainer.prepare(tensor(input)))
    let target = try TargetChoice(of: explainer).targets(explainer, of: observation)[0]
    return (explainer, observation, target)
  }
}
