import TestSupport
import Testing

@testable import GradCAM

@Suite struct ModelMetadataTests {
  @Test func readsAllEntries() throws {
    let metadata = try ModelMetadata([
      "gradcam.mean": "0.1, 0.2,0.3", "gradcam.std": "[0.5]", "gradcam.range": "255", "gradcam.channels": "BGR",
      "gradcam.layout": "nhwc", "gradcam.resize": "256", "gradcam.crop": "224x200", "gradcam.labels": "cat\n\ndog\n",
      "other": "x",
    ])
    #expect(
      metadata.preprocessing
        == PreprocessingChoice(
          Preprocessing(
            resize: .shorterSide(256), crop: PixelSize(width: 224, height: 200), mean: [0.1, 0.2, 0.3],
            std: [0.5, 0.5, 0.5], range: 255, channels: .bgr)))
    #expect(metadata.layout == .nhwc)
    #expect(metadata.labels == ["cat", "", "dog"])
  }

  @Test func silenceIsNoPreprocessing() throws {
    #expect(try ModelMetadata(["author": "x"]).preprocessing == nil)
    #expect(try ModelMetadata(["author": "x"]).labels == nil)
    #expect(try ModelMetadata(["gradcam.labels": "a\nb"]).preprocessing == nil)
    #expect(try ModelMetadata(["gradcam.labels": "a\r\nb"]).labels == ["a", "b"])
  }

  @Test(arguments: [
    ("mean", "1,2"), ("mean", "a,b,c"), ("std", ""), ("range", "full"), ("channels", "rgba"), ("layout", "hwc"),
    ("resize", "big"), ("resize", "0"), ("crop", "1x2x3"), ("crop", "-5"), ("range", "0"), ("range", "nan"),
    ("std", "0,1,1"), ("mean", "nan,0,0"),
  ])
  func entriesThatCannotBeReadAreNamed(key: String, text: String) {
    expectError(.badData, at: "metadata gradcam.\(key)", saying: "'\(text)'") {
      _ = try ModelMetadata(["gradcam.\(key)": text])
    }
  }
}
