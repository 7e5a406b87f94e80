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

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/networks")

  static let all: [NetworkFixture] = {
    do {
      let index = try Data(contentsOf: folder.appending(path: "networks.json"))
      return try JSONDecoder().decode([NetworkFixture].self, from: index)
    } catch {
      fatalError("the fixtures cannot be read: \(error)")
    }
  }()

  static func named(_ name: String) throws -> NetworkFixture { try #require(all.first { $0.name == name }) }

  func model(_ exporter: String, registry: Registry = .standard) throws -> Model {
    try Model(contentsOf: Self.folder.appending(path: #require(models[exporter])).path, registry: registry)
  }

  /// The arrays of the network.
  func contents() throws -> Contents {
    Contents(values: try NPYArray(contentsOf: Self.folder.appending(path: numbers).path).values)
  }

  struct Contents {
    fileprivate let values: [Float]

    subscript(_ place: Place) -> Tensor {
      let shape = Shape(place.shape)
      return Tensor(Array(values[place.offset..<place.offset + shape.count]), shape: shape)
    }
  }
}

/// How far numbers are from the true ones.
struct Deviation: CustomStringConvertible {
  /// The largest difference as a share of the largest true value; infinite where one is no number.
  let relative: Double
  let cosine: Double

  init(_ found: [Float], from truth: [Float]) {
    guard found.count == truth.count, found.allSatisfy(\.isFinite) else {
      (relative, cosine) = (.infinity, 0)
      return
    }
    let a = found.map(Double.init), b = truth.map(Double.init)
    func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
    relative = (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / (b.map(abs).max() ?? 0)
    cosine = dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }

  var description: String { "relative \(relative), cosine \(cosine)" }
}
