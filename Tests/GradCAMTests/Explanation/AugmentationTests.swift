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
    let mirror = Augmentation(isMirrored: true, factor: 2)
    let planes = try mirror.applied(to: Tensor([1, 2, 3, 4, 5, 6], shape: [1, 1, 2, 3]), .nchw)
    #expect(planes.floats == [6, 4, 2, 12, 10, 8])
    let pixels = try mirror.applied(to: Tensor([1, 2, 3, 4, 5, 6], shape: [1, 1, 2, 3]), .nhwc)
    #expect(pixels.floats == [8, 10, 12, 2, 4, 6])
    #expect(mirror.undone(HeatMap(width: 3, height: 2, values: [1, 2, 3, 4, 5, 6])).values == [3, 2, 1, 6, 5, 4])
  }

  @Test func wholeNumbersCannotBeMultiplied() {
    expectError(.unsupported, at: "smooth 'aug'", saying: "int64") {
      _ = try Augmentation.all[1].applied(to: Tensor([1, 2] as [Int64], shape: [1, 1, 1, 2]), .nchw)
    }
  }
}
