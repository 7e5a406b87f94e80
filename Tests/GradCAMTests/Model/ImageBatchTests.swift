import Graph
import Testing

@testable import GradCAM

@Suite struct ImageBatchTests {
  @Test func anyOfSeveralImagesIsExplained() {
    let images = ImageBatch(count: 3, place: 1)
    #expect(Array(images.one(of: [1, 2, 3, 4, 5, 6])) == [3, 4])
    #expect(images.seed(padding: [1, 2]) == [0, 0, 1, 2, 0, 0] && images.repeating([1, 2]) == [1, 2, 1, 2, 1, 2])
    #expect(images.shapeOfOne([6, 4]) == [2, 4])
    #expect(images.extents(of: [3, 4]) == [4] && images.extents(of: [3]) == [] && images.extents(of: [6, 4]) == nil)
  }

  @Test func whatIsNotDividedBelongsToAllImages() {
    let images = ImageBatch(count: 3, place: 1)
    for shape: Shape in [[1, 4], [4, 6], []] {
      let all = images.dividing(shape)
      #expect(all.count == 1 && Array(all.one(of: [1, 2, 3, 4])) == [1, 2, 3, 4] && all.seed(padding: [5]) == [5])
      #expect(images.shapeOfOne(shape) == shape)
    }
    #expect(images.dividing([3, 4]).place == 1 && images.extents(of: [1, 4]) == [4])
  }

  @Test func oneImageNeedsNoAxis() {
    let images = ImageBatch(count: 1)
    #expect(Array(images.one(of: [1, 2])) == [1, 2] && images.seed(padding: [1]) == [1])
    #expect(images.shapeOfOne([]) == [] && images.shapeOfOne([2, 4]) == [2, 4])
    #expect(images.extents(of: []) == [] && images.extents(of: [4]) == [4] && images.extents(of: [2, 4]) == nil)
  }
}
