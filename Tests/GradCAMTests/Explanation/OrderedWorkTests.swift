import Graph
import Synchronization
import Testing

@testable import GradCAM

struct OrderedWorkTests {
  struct Stopped: Error, Equatable { let index: Int }

  /// Gives the numbers below a count, then ends, or throws.
  private static func numbers(below count: Int, then error: Stopped? = nil) -> () throws -> Int? {
    var next = 0
    return {
      guard next < count else {
        if let error { throw error }
        return nil
      }
      defer { next += 1 }
      return next
    }
  }

  @Test(arguments: [0, 1, 2, 7, 100], [1, 2, 3])
  func resultsArriveOnceAndInOrder(_ count: Int, _ places: Int) throws {
    var delivered: [[Int]] = []
    let pool = ThreadPool(threadCount: places)
    try OrderedWork.run(places: places, on: pool, next: Self.numbers(below: count)) { index, place in
      #expect(place < places)
      // The later, the faster: results are ready in another order than they are wanted in.
      var sum = 0
      for step in 0..<(count - index) * 1000 { sum &+= step }
      return [index, sum]
    } deliver: { index, result in
      #expect(result[0] == index)
      delivered.append(result)
    }
    #expect(delivered.map { $0[0] } == Array(0..<count))
  }

  @Test func firstErrorEndsTheWork() {
    var delivered: [Int] = []
    let worked = Mutex(0)
    #expect(throws: Stopped(index: 5)) {
      try OrderedWork.run(places: 2, on: ThreadPool(threadCount: 2), next: Self.numbers(below: 1000)) { index, _ in
        worked.withLock { $0 += 1 }
        return index
      } deliver: { index, _ in
        if index >= 5 { throw Stopped(index: index) }
        delivered.append(index)
      }
    }
    #expect(delivered == [0, 1, 2, 3, 4])
    #expect(worked.withLock { $0 } <= 14)
  }

  /// What was taken before the source failed is delivered first.
  @Test func errorOfTheSourceComesLast() {
    var delivered: [Int] = []
    #expect(throws: Stopped(index: 7)) {
      let next = Self.numbers(below: 7, then: Stopped(index: 7))
      try OrderedWork.run(places: 3, on: ThreadPool(threadCount: 3), next: next) { index, _ in
        index
      } deliver: { index, _ in
        delivered.append(index)
      }
    }
    #expect(delivered == Array(0..<7))
  }

  @Test func fewResultsWaitForASlowOne() throws {
    let started = Mutex(0)
    try OrderedWork.run(places: 2, on: ThreadPool(threadCount: 2), next: Self.numbers(below: 50)) { index, _ in
      started.withLock { $0 += 1 }
      return index
    } deliver: { index, _ in
      let taken = started.withLock { $0 }
      #expect(taken <= index + 6)
    }
  }
}
