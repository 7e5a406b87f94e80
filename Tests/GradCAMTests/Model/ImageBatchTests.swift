import Graph
import Testing

@testable import GradCAM

@Suite struct ImageBatchTests {
  @Test func theFirstOfSeveralImagesIsExplained() {
    let images = ImageBatch(count: 3)
    #expect(Array(images.first(of: [1, 2, 3, 4, 5, 6])) == [1, 2])
    #expect(images.seed(padding: [1, 2]) == [1, 2, 0, 0, 0, 0] && images.repeating([1, 2]) == [1, 2, 1, 2, 1, 2])
    #expect(images.shapeOfOne([6, 4]) == [2, 4] && images.shapeOfOne([4, 6]) == nil && images.shapeOfOne([]) == nil)
    #expect(images.extents(of: [3, 4]) == [4] && images.extents(of: [3]) == [] && images.extents(of: [6, 4]) == nil)
  }

  @Test func oneImageNeedsNoAxis() {
    let images = ImageBatch(count: 1)
    #expect(Array(images.first(of: [1, 2])) == [1, 2] && images.seed(padding: [1]) == [1])
    #expect(images.shapeOfOne([]) == [] && images.shapeOfOne([2, 4]) == [2, 4])
    #expect(images.extents(of: []) == [] && images.extents(of: [4]) == [4] && images.extents(of: [2, 4]) == nil)
  }
}
