import Foundation
import Graph
import Testing

@testable import GradCAM

/// What TorchCAM, Captum and pytorch-grad-cam make of narrow networks, by Fixtures/methods/make_profiles.py.
private struct GoldenProfile: Decodable, CustomTestStringConvertible {
  let name: String
  /// An earlier node, and the one that maps of one node are taken at.
  let nodes: [String]
  let shape: [Int]
  let input: [Float]
  let target: Int
  /// TorchCAM's maps, rectified.
  let torchcam: [String: [Float]]
  /// TorchCAM's map of Grad-CAM at the input's size.
  let torchcamDrawn: [Float]
  /// Captum's attribution, and how it is shown at the input's size.
  let captum, captumDrawn: [Float]
  /// pytorch-grad-cam's maps of Grad-CAM at both nodes, at the input's size.
  let fused: [String: [Float]]
  /// TorchCAM's maps at both nodes, of LayerCAM for `tanh-max` and of Grad-CAM for the others.
  let fusedAtLargest: [String: [Float]]
  /// pytorch-grad-cam's smoothed maps at the input's size.
  let eigen: [String: [Float]]
  /// Grad-CAM over changed images: at one node, and the mean of both nodes' first components.
  let aug, augEigen: [Float]

  var testDescription: String { name }
  var size: PixelSize { PixelSize(width: shape[3], height: shape[2]) }
  var geometry: PreprocessingGeometry { PreprocessingGeometry(original: size, resized: size) }

  static let all: [GoldenProfile] = GoldenFixture.read("profiles.json")

  func session() throws -> Session {
    let model = try Model(contentsOf: GoldenFixture.folder.appending(path: "\(name).onnx").path)
    let session = try Session(model, nodes: nodes, inputSize: size, threadCount: 2)
    try session.forward(Tensor(input, shape: Shape(shape)))
    try session.backward(classIndex: target)
    return session
  }

  /// The maps of a method at both nodes.
  func maps(_ method: String, following source: Compatibility) throws -> [HeatMap] {
    let session = try session(), method = try Registry.standard.method(named: method, following: source)
    return try [0, 1].map { try method.map(of: session.tap($0), probe: session.probe($0, classIndex: target)) }
  }
}

@Suite struct GoldenProfileTests {
  @Test(arguments: GoldenProfile.all)
  fileprivate func formulasAreTorchCAMs(_ golden: GoldenProfile) throws {
    for (method, truth) in golden.torchcam {
      let deviation = Deviation(try golden.maps(method, following: .torchcam)[1].rectified().values, from: truth)
      #expect(deviation.relative < 1e-3, "\(method): \(deviation)")
    }
    for method in ["gradcam++", "scorecam", "finercam"] {
      let own = try golden.maps(method, following: .pytorchGradCAM)[1].rectified().values
      #expect(Deviation(own, from: golden.torchcam[method]!).relative > 1e-4, "\(method) differs between the libraries")
    }
  }

  @Test(arguments: GoldenProfile.all)
  fileprivate func mapsAreDrawnAsTheLibrariesDo(_ golden: GoldenProfile) throws {
    let map = try golden.maps("gradcam", following: .captum)[1]
    #expect(Deviation(map.values, from: golden.captum).relative < 1e-4)
    #expect(map.values.contains { $0 < 0 } && !Compatibility.captum.rectifies)
    for (source, truth) in [(Compatibility.torchcam, golden.torchcamDrawn), (.captum, golden.captumDrawn)] {
      let deviation = Deviation(source.drawnMap(map, geometry: golden.geometry).values, from: truth)
      #expect(deviation.relative < 1e-4, "\(source): \(deviation)")
    }
  }

  @Test(arguments: GoldenProfile.all)
  fileprivate func mapsAreFusedAsTheLibrariesDo(_ golden: GoldenProfile) throws {
    let maps = try golden.maps("gradcam", following: .pytorchGradCAM)
    for (name, truth) in golden.fused {
      let drawn = Fusion(rawValue: name)!.drawnMap(maps, following: .pytorchGradCAM, geometry: golden.geometry)
      #expect(Deviation(drawn.values, from: truth).relative < 1e-4, "\(name)")
    }
    for (name, truth) in golden.fusedAtLargest {
      let maps = name == "tanh-max" ? try golden.maps("layercam", following: .torchcam) : maps
      let fused = Fusion(rawValue: name)!.fuseAtLargest(maps)
      #expect(Deviation(fused.values, from: truth).relative < 1e-4, "\(name)")
    }
  }

  @Test(arguments: GoldenProfile.all)
  fileprivate func mapsOfChangedImagesAreThoseOfAugSmoothing(_ golden: GoldenProfile) throws {
    let model = try Model(contentsOf: GoldenFixture.folder.appending(path: "\(golden.name).onnx").path)
    func map(_ nodes: [String], _ fusion: Fusion?, _ smoothing: Set<Smoothing>) throws -> Explanation {
      let explainer = try Explainer(model, nodes: nodes, inputSize: golden.size, threadCount: 2)
      let image = explainer.prepare(Tensor(golden.input, shape: Shape(golden.shape)))
      _ = try explainer.classify(image, count: 1)
      let found = try explainer.explain(
        classIndex: golden.target, of: image, fusion: fusion, smoothing: smoothing)
      #expect(found.count == 1)
      return found[0]
    }
    let aug = try map([golden.nodes[1]], nil, [.aug])
    #expect(Deviation(aug.map.values, from: golden.aug).relative < 1e-3)
    #expect(aug.drawnMap == aug.map, "a tensor is drawn at the network's size")
    #expect(aug.tap != nil && aug.nodes == [golden.nodes[1]])
    let both = try map(golden.nodes, .mean, [.aug, .eigen])
    #expect(Deviation(both.map.values, from: golden.augEigen).relative < 1e-3)
    #expect(both.tap == nil && both.node == golden.nodes.joined(separator: "+") && both.smoothing == [.aug, .eigen])
  }

  @Test(arguments: GoldenProfile.all)
  fileprivate func firstComponentsAreThoseOfEigenSmoothing(_ golden: GoldenProfile) throws {
    let session = try golden.session()
    for (name, truth) in golden.eigen {
      let method = try #require(try Registry.standard.method(named: name) as? any WeightingMethod)
      let weighting = try method.weighting(of: session.tap(1), probe: session.probe(1, classIndex: golden.target))
      let map = try weighting.principalComponent()
      let drawn = Compatibility.pytorchGradCAM.drawnMap(map, geometry: golden.geometry)
      let deviation = Deviation(drawn.values, from: truth)
      #expect(deviation.relative < 1e-3, "\(name): \(deviation)")
    }
  }
}
