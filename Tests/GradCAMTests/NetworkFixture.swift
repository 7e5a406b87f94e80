import Foundation
import Graph
import Testing

@testable import GradCAM

/// One of the networks that Fixtures/networks/make.py exported, with what autograd says about it.
struct NetworkFixture: Decodable, Sendable, CustomStringConvertible {
  /// Where an array lies among the numbers of its network.
  struct Place: Decodable, Sendable {
    let offset: Int
    let shape: [Int]
  }

  struct Tap: Decodable, Sendable {
    /// What is given to `--node`.
    let query: String
    let activation, gradient, gradcam: Place
    /// The gradient of the class's probability, where the network ends in probabilities.
    let probabilityGradient: Place?
  }

  let name: String
  /// File names by exporter.
  let models: [String: String]
  let numbers: String
  let height, width: Int
  let `class`: Int
  let input, logits, output: Place
  let taps: [Tap]

  var description: String { name }
  var size: PixelSize { PixelSize(width: width, height: height) }

  static let all: [NetworkFixture] = fixtures("networks/networks.json")

  static func named(_ name: String) throws -> NetworkFixture { try #require(all.first { $0.name == name }) }

  func model(_ exporter: String, registry: Registry = .standard) throws -> Model {
    let file = try #require(models[exporter])
    return try Model(contentsOf: fixture("networks/\(file)"), registry: registry)
  }

  /// The arrays of the network.
  func contents() throws -> Contents {
    Contents(values: try NPYArray(contentsOf: fixture("networks/\(numbers)")).values)
  }

  struct Contents {
    fileprivate let values: [Float]

    subscript(_ place: Place) -> Tensor {
      let shape = Shape(place.shape)
      return Tensor(Array(values[place.offset..<place.offset + shape.count]), shape: shape)
    }
  }
}
