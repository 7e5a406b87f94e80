import Foundation
import Graph
import TestSupport
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

  static let all: [GoldenProfile] = GoldenFixture.read("methods/profiles.json")

  func observation() throws -> Observation {
    try .of(Tensor(input, shape: Shape(shape)), by: GoldenFixture.model(name), nodes: nodes, size: size)
  }

  /// The maps of a method at both nodes.
  func maps(_ method: String, following source: Compatibility) throws -> [HeatMap] {
    let observation = try observation(), taps = try observation.taps(target)
    let method = try Registry.standard.method(named: method, following: source)
    return try [0, 1].map { try method.map(of: taps[$0], probe: observation.probe($0, target)) }
  }
}

@Suite struct GoldenProfileTests {
  @Test(arguments: GoldenProfile.all)
  fileprivate func formulasAreTorchCAMs(_ golden: GoldenProfile) throws {
    for (method, truth) in golden.torchcam {
      let map = try golden.maps(method, following: .torchcam)[1].rectified()
      expectClose(map.values, truth, within: 1e-3, isRelative: true, method)
    }
    for method in ["gradcam++", "scorecam", "finercam"] {
      let own = try golden.maps(method, following: .pytorchGradCAM)[1].rectified().values
      #expect(Deviation(own, from: golden.torchcam[method]!).relative > 1e-4, "\(method) differs between the libraries")
    }
  }

  @Test(arguments: GoldenProfile.all)
  fileprivate func mapsAreDrawnAsTheLibrariesDo(_ golden: GoldenProfile) throws {
    let map = try golden.maps("gradcam", following: .captum)[1]
    expectClose(map.values, golden.captum, within: 1e-4, isRelative: true)
    #expect(map.values.contains { $0 < 0 } && !Compatibility.captum.rectifies)
    for (source, truth) in [(Compatibility.torchcam, golden.torchcamDrawn), (.captum, golden.captumDrawn)] {
      let drawn = source.drawnMap(map, geometry: golden.geometry)
      expectClose(drawn.values, truth, within: 1e-4, isRelative: true, "\(source)")
    }
  }

  @Test(arguments: GoldenProfile.all)
  fileprivate func mapsAreFusedAsTheLibrariesDo(_ golden: GoldenProfile) throws {
    let maps = try golden.maps("gradcam", following: .pytorchGradCAM)
    for (name, truth) in golden.fused {
      let drawn = Fusion(rawValue: name)!.drawnMap(maps, following: .pytorchGradCAM, geometry: golden.geometry)
      expectClose(drawn.values, truth, within: 1e-4, isRelative: true, name)
    }
    for (name, truth) in golden.fusedAtLargest {
      let maps = name == "tanh-max" ? try golden.maps("layercam", following: .torchcam) : maps
      let fused = Fusion(rawValue: name)!.fuseAtLargest(maps)
      expectClose(fused.values, truth, within: 1e-4, isRelative: true, name)
    }
  }

  @Test(arguments: GoldenProfile.all)
  fileprivate func mapsOfChangedImagesAreThoseOfAugSmoothing(_ golden: GoldenProfile) throws {
    let model = try GoldenFixture.model(golden.name)
    func map(_ nodes: [String], _ fusion: Fusion?, _ smoothing: Set<Smoothing>) throws -> Explanation {
      let explainer = try Explainer(model, nodes: nodes, inputSize: golden.size, threadCount: 2)
      let observation = try explainer.observe(
        explainer.prepare(Tensor(golden.input, shape: Shape(golden.shape))))
      let found = try explainer.explain(
        classIndex: golden.target, of: observation, fusion: fusion, smoothing: smoothing)
      #expect(found.count == 1)
      return found[0]
    }
    let aug = try map([golden.nodes[1]], nil, [.aug])
    expectClose(aug.map.values, golden.aug, within: 1e-3, isRelative: true)
    #expect(aug.drawnMap() == aug.map, "a tensor is drawn at the network's size")
    #expect(aug.tap != nil && aug.nodes == [golden.nodes[1]])
    let both = try map(golden.nodes, .mean, [.aug, .eigen])
    expectClose(both.map.values, golden.augEigen, within: 1e-3, isRelative: true)
    #expect(both.tap == nil && both.node == golden.nodes.joined(separator: "+") && both.smoothing == [.aug, .eigen])
  }

  @Test(arguments: GoldenProfile.all)
  fileprivate func firstComponentsAreThoseOfEigenSmoothing(_ golden: GoldenProfile) throws {
    let observation = try golden.observation(), taps = try observation.taps(golden.target)
    for (name, truth) in golden.eigen {
      let method = try #require(try Registry.standard.method(named: name) as? any WeightingMethod)
      let weighting = try method.weighting(of: taps[1], probe: observation.probe(1, golden.target))
      let map = try weighting.principalComponent()
      let drawn = Compatibility.pytorchGradCAM.drawnMap(map, geometry: golden.geometry)
      expectClose(drawn.values, truth, within: 1e-3, isRelative: true, name)
    }
  }
}
