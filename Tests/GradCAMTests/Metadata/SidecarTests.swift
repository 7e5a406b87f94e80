import Foundation
import TestSupport
import Testing

@testable import GradCAM

/// `MODEL.json` beside a network.
@Suite struct SidecarTests {
  /// What a network has to say beside whose file a sidecar lies, with other files in its folder.
  private func read(
    _ sidecar: String, metadata: [String: String] = [:], files: [String: String] = [:]
  ) throws -> ModelMetadata {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files.merging(["net.json": sidecar], uniquingKeysWith: { first, _ in first }) {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
    return try ModelMetadata(metadata, beside: folder.appending(path: "net.onnx").path)
  }

  @Test(arguments: [
    #"{"mean": [1, 2, 3], "range": 255, "channels": "bgr", "crop": 227, "resize": "256x300"}"#,
    #"{"gradcam.mean": "1,2,3", "gradcam.range": "255", "gradcam.channels": "BGR", "gradcam.crop": [227, 227], "gradcam.resize": "256x300"}"#,
    #"{"gradcam": {"mean": ["1", "2", "3"], "range": 255, "crop": "227"}, "preprocessing": {"channels": "bgr", "resize": ["256x300"]}}"#,
  ])
  func formsThatPeopleWrite(sidecar: String) throws {
    let metadata = try read(sidecar)
    #expect(
      metadata.preprocessing
        == PreprocessingChoice(
          Preprocessing(
            resize: .exact(PixelSize(width: 256, height: 300)), crop: PixelSize(width: 227, height: 227),
            mean: [1, 2, 3], range: 255, channels: .bgr)))
    #expect(metadata.sidecar?.hasSuffix("/net.json") == true)
    #expect(metadata.warnings.isEmpty)
  }

  @Test(arguments: [#"{"preset": "caffe"}"#, #"{"preprocessing": "Caffe"}"#, #"{"gradcam.preset": "caffe"}"#])
  func aPresetLeavesTheRestToItself(sidecar: String) throws {
    var expected = PreprocessingChoice()
    expected.preset = .caffe
    #expect(try read(sidecar).preprocessing == expected)
  }

  @Test func aSizeAloneDoesNotDescribeThePreprocessing() throws {
    let metadata = try read(#"{"size": "320x48"}"#)
    #expect(metadata.preprocessing == nil)
    #expect(metadata.inputSize == PixelSize(width: 320, height: 48))
  }

  @Test(arguments: [
    #"["cat", "dog"]"#, #"{"0": "cat", "1": "dog"}"#, #"{"dog": 1, "cat": 0}"#, #""cat\ndog""#, #""names.txt""#,
    #""./names.json""#,
  ])
  func labels(value: String) throws {
    let files = ["names.txt": "cat\ndog\n", "names.json": #"{"id2label": {"0": "cat", "1": "dog"}}"#]
    #expect(try read(#"{"labels": \#(value)}"#, files: files).labels == ["cat", "dog"])
  }

  /// The sidecar, where the error is, and what it says.
  @Test(arguments: [
    (#"{"gradcam.chanels": "bgr"}"#, "net.json: gradcam.chanels", "did you mean 'channels'?"),
    (#"{"chanels": "bgr"}"#, "net.json: chanels", "did you mean 'channels'?"),
    (#"{"mean": 0, "architecture": "x"}"#, "net.json: architecture", "is not the name of an entry"),
    (#"{"gradcam": {"sdt": 1}}"#, "net.json: sdt", "did you mean 'std'?"),
    (#"{"mean": 1, "gradcam.mean": 2}"#, "net.json: mean", "says the same as 'gradcam.mean'"),
    (#"{"preset": "tf", "preprocessing": "caffe"}"#, "net.json: preset", "says the same as 'preprocessing'"),
    (#"{"mean": {"red": 1}}"#, "net.json: mean", "is not three numbers"),
    (#"{"mean": null}"#, "net.json: mean", "'null' is not three numbers"),
    (#"{"size": [320, 48]}"#, "net.json: size", "'320,48' is not a number or WIDTHxHEIGHT"),
    (#"{"preset": "vgg"}"#, "net.json: preset", "imagenet, raw, caffe, tf"),
    (#"{"std": [0, 1, 1]}"#, "net.json: std", "other than 0"),
    (#"{"labels": [["cat"]]}"#, "net.json: labels", "are not names of classes"),
    (#"{"mean": [0.485"#, "net.json", "is not a JSON object"), ("[1]", "net.json", "is not a JSON object"),
  ])
  func mistakesAreErrors(sidecar: String, place: String, problem: String) {
    expectError(.badData, saying: place, problem) { _ = try read(sidecar) }
  }

  @Test func aFileOfLabelsThatIsMissingIsNamed() {
    expectError(.unreadable, saying: "net.json: labels", "missing.txt") { _ = try read(#"{"labels": "missing.txt"}"#) }
  }

  @Test func whatIsNotReadIsSaid() throws {
    let foreign = try read(#"{"format": "layers-model", "generatedBy": "keras v2"}"#)
    #expect(foreign.preprocessing == nil && foreign.sidecar == nil)
    #expect(foreign.warnings.map(\.code) == [.filesIgnored])
    let second = try read(#"{"mean": 9}"#, metadata: ["gradcam.mean": "0.5"])
    #expect(second.preprocessing?.mean == [0.5, 0.5, 0.5])
    #expect(second.warnings.map(\.code) == [.filesIgnored])
  }

  /// The schema that editors check the file with has the names that are read.
  @Test func theSchemaHasAllEntries() throws {
    let file = try Data(contentsOf: URL(filePath: #filePath + "/../../../../docs/model.schema.json").standardized)
    let schema = try #require(LiteralValue(String(decoding: file, as: UTF8.self)))
    let names = DeclaredEntries.Key.allCases.map(\.rawValue)
    #expect(Set(try #require(schema["$defs"]?.map).keys) == Set(names))
    #expect(
      Set(try #require(schema["properties"]?.map).keys)
        == Set(names + names.map { "gradcam." + $0 } + ["gradcam", "preprocessing"]))
    let choices = { (name: String) in schema["$defs"]?[name]?["enum"]?.list?.compactMap(\.text) ?? [] }
    #expect(choices("preset") == Preprocessing.Preset.allCases.map(\.rawValue))
    #expect(choices("channels") == Preprocessing.Channels.allCases.map(\.rawValue))
    #expect(choices("interpolation") == Interpolation.allCases.map(\.rawValue))
  }
}
