import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct HuggingFaceTests {
  private func read(
    _ processor: String, config: String = #"{"model_type": "vit"}"#, name: String = "preprocessor_config.json"
  ) throws -> HuggingFaceConfiguration {
    try withTemporaryFolder { folder in
      try config.write(toFile: folder + "/config.json", atomically: true, encoding: .utf8)
      try processor.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
      return try #require(try HuggingFaceConfiguration(beside: folder + "/model.onnx"))
    }
  }

  private let values = #""image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.5, 1], "do_normalize": true"#

  @Test func numbersAndFilter() throws {
    let found = try read(
      "{\(values), \"size\": {\"height\": 48, \"width\": 64}, \"resample\": 3, \"rescale_factor\": 0.00392156862745098}"
    )
    let choice = try #require(found.preprocessing), size = PixelSize(width: 64, height: 48)
    #expect(choice.mean == [0.5, 0.5, 0.5] && choice.std == [0.25, 0.5, 1] && choice.range == 1)
    #expect(choice.interpolation == .bicubic && choice.channels == .rgb && choice.roundsCropDown == true)
    #expect(choice.resize == .exact(size) && choice.crop == size && found.unfollowed == nil)
  }

  @Test(arguments: [
    // Kind, geometry, shorter side or exact size, crop.
    (
      "CLIPImageProcessor",
      #""size": {"shortest_edge": 70}, "do_center_crop": true, "crop_size": {"height": 61, "width": 61}"#, "70", "61x61"
    ), ("CLIPFeatureExtractor", #""size": 70, "do_center_crop": true, "crop_size": 61"#, "70", "61x61"),
    ("ViTFeatureExtractor", #""size": 70"#, "70x70", "70x70"),
    ("DeiTImageProcessor", #""size": 72, "do_center_crop": true, "crop_size": 64"#, "72x72", "64x64"),
    ("ConvNextImageProcessor", #""size": {"shortest_edge": 224}, "crop_pct": 0.875"#, "256", "224x224"),
    ("ConvNextFeatureExtractor", #""size": 384, "crop_pct": 0.875"#, "384x384", "384x384"),
    (
      "PoolFormerImageProcessor",
      #""size": {"shortest_edge": 400}, "crop_pct": 0.8, "do_center_crop": true, "crop_size": 400"#, "500", "400x400"
    ),
    (
      "LevitImageProcessor", #""size": {"shortest_edge": 224}, "do_center_crop": true, "crop_size": 224"#, "256",
      "224x224"
    ),
  ]) func geometryIsOfTheKind(_ kind: String, _ geometry: String, _ resize: String, _ crop: String) throws {
    let choice = try #require(try read("{\(values), \"image_processor_type\": \"\(kind)\", \(geometry)}").preprocessing)
    #expect(choice.resize == Preprocessing.Resize(resize) && choice.crop == PixelSize(crop))
  }

  @Test(arguments: [
    #""size": {"shortest_edge": 800, "longest_edge": 1333}"#,
    #""size": {"height": 64, "width": 64}, "do_thumbnail": true"#, #""size": 64, "size_divisor": 32"#,
    #""size": {"shortest_edge": 64}"#,
  ]) func whatCannotBeFollowedIsSaid(_ geometry: String) throws {
    #expect(try read("{\(values), \(geometry)}").unfollowed != nil)
  }

  @Test func scalingThatDiffers() throws {
    let raw = try #require(try read("{\"do_rescale\": false, \"do_normalize\": false, \"size\": 64}").preprocessing)
    #expect(raw.range == 255 && raw.mean == [0, 0, 0] && raw.std == [1, 1, 1])
    let offset = try #require(
      try read("{\(values), \"size\": 64, \"rescale_factor\": 0.00784313725490196, \"rescale_offset\": true}")
        .preprocessing)
    #expect(offset.range == 2 && offset.mean == [1.5, 1.5, 1.5])
    let twice = try #require(try read("{\(values), \"size\": 64, \"include_top\": true}").preprocessing)
    #expect(twice.std == [0.0625, 0.25, 1])
    let flipped = try #require(try read("{\"do_flip_channel_order\": true, \"size\": 64}").preprocessing)
    #expect(flipped.channels == .bgr)
    let unnormalized = try #require(
      try read("{\"image_processor_type\": \"MobileViTImageProcessor\", \"image_mean\": [0.5, 0.5, 0.5], \"size\": 64}")
        .preprocessing)
    #expect(unnormalized.mean == [0, 0, 0] && unnormalized.std == [1, 1, 1])
    let nested = try read("{\"image_processor\": {\(values), \"size\": 64}}", name: "processor_config.json")
    #expect(nested.preprocessing?.std == [0.25, 0.5, 1])
  }

  @Test func labelsAndSizeOfTheConfiguration() throws {
    let config =
      #"{"model_type": "vit", "image_size": 96, "id2label": {"1": "dog", "0": "cat"}, "architectures": ["A"]}"#
    let found = try read("{}", config: config)
    #expect(found.labels == ["cat", "dog"] && found.imageSize == PixelSize(width: 96, height: 96))
    #expect(found.modelType == "vit" && found.architectures == ["A"] && found.preprocessing == nil)
    let bare = try read("{}", config: #"{"model_type": "vit", "id2label": {"0": "LABEL_0", "1": "LABEL_1"}}"#)
    #expect(bare.labels == nil)
  }

  @Test func timmsConfiguration() throws {
    let config = #"""
      {"architecture": "resnet18", "num_classes": 2, "label_names": ["cat", "dog"], "pretrained_cfg": {"mean": [0.5, 0.5,
      0.5], "std": [0.5, 0.5, 0.5], "input_size": [3, 288, 288], "crop_pct": 0.95, "interpolation": "bicubic"}}
      """#
    let found = try read("{}", config: config), size = PixelSize(width: 288, height: 288)
    let choice = try #require(found.preprocessing)
    #expect(choice.resize == .shorterSide(303) && choice.crop == size && found.imageSize == size)
    #expect(choice.interpolation == .bicubic && choice.mean == [0.5, 0.5, 0.5] && choice.roundsCropDown == nil)
    #expect(found.labels == ["cat", "dog"])
    let squash = config.replacing(#""crop_pct": 0.95"#, with: #""crop_pct": 1.0, "crop_mode": "squash""#)
    #expect(try read("{}", config: squash).preprocessing?.resize == .exact(size))
  }

  @Test func filesAreFoundBesideAndOneFolderUp() throws {
    try withTemporaryFolder { folder in
      #expect(try HuggingFaceConfiguration(beside: folder + "/model.onnx") == nil)
      try FileManager.default.createDirectory(atPath: folder + "/onnx", withIntermediateDirectories: true)
      // A configuration of something else, and one of this network.
      let config = folder + "/onnx/config.json"
      try #"{"port": 8080}"#.write(toFile: config, atomically: true, encoding: .utf8)
      try #"{"model_type": "vit"}"#.write(toFile: folder + "/config.json", atomically: true, encoding: .utf8)
      let found = try #require(try HuggingFaceConfiguration(beside: folder + "/onnx/model.onnx"))
      #expect(found.modelType == "vit" && found.files == [folder + "/onnx/../config.json"])
      let damaged = folder + "/preprocessor_config.json"
      try "{".write(toFile: damaged, atomically: true, encoding: .utf8)
      expectError(.badData, at: folder + "/onnx/../preprocessor_config.json", saying: "not a JSON object") {
        _ = try HuggingFaceConfiguration(beside: folder + "/onnx/model.onnx")
      }
    }
  }
}
