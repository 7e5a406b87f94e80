import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct AugmentationTests {
  @Test func theyAreMirroredAndMultiplied() {
    #expect(Augmentation.all.count == 6 && Augmentation.all[0].isNone)
    #expect(Set(Augmentation.all.map { "\($0.isMirrored) \($0.factor)" }).count == 6)
    #expect(Augmentation.all.count { $0.isMirrored } == 3)
  }

  @Test func rowsAreMirroredInEitherLayout() throws {
    func shape(_ layout: ImageShape.Layout) -> ImageShape {
      ImageShape(layout: layout, batch: 1, channels: 1, elementType: .float32)
    }
    let mirror = Augmentation(isMirrored: true, factor: 2)
    let planes = try mirror.applied(to: Tensor([1, 2, 3, 4, 5, 6], shape: [1, 1, 2, 3]), shape(.nchw))
    #expect(planes.floats == [6, 4, 2, 12, 10, 8])
    let pixels = try mirror.applied(to: Tensor([1, 2, 3, 4, 5, 6], shape: [1, 1, 2, 3]), shape(.nhwc))
    #expect(pixels.floats == [8, 10, 12, 2, 4, 6])
    #expect(mirror.undone(HeatMap(width: 3, height: 2, values: [1, 2, 3, 4, 5, 6])).values == [3, 2, 1, 6, 5, 4])
  }

  @Test func wholeNumbersCannotBeMultiplied() {
    expectError(.unsupported, at: "smooth 'aug'", saying: "int64") {
      _ = try Augmentation.all[1].applied(
        to: Tensor([1, 2] as [Int64], shape: [1, 1, 1, 2]),
        ImageShape(layout: .nchw, batch: 1, channels: 1, elementType: .int64))
    }
  }

  /// Left and right of every slice; a signal has neither.
  @Test func volumesAreMirroredAndSignalsAreNot() throws {
    let mirror = Augmentation(isMirrored: true, factor: 1)
    let volume = ImageShape([.batch, .channels, .depth, .height, .width], places: [nil, nil, nil])
    #expect(
      try mirror.applied(to: Tensor([1, 2, 3, 4, 5, 6], shape: [1, 1, 3, 1, 2]), volume).floats == [2, 1, 4, 3, 6, 5])
    let map = HeatMap(PixelSize(extents: [2, 1, 2]), values: [1, 2, 3, 4])
    #expect(mirror.undone(map).values == [2, 1, 4, 3] && mirror.undone(map).size == map.size)
    expectError(.unsupported, at: "smooth 'aug'", saying: "signals") {
      _ = try mirror.applied(
        to: Tensor([1, 2], shape: [1, 1, 2]), ImageShape([.batch, .channels, .sample], places: [nil]))
    }
  }
}
