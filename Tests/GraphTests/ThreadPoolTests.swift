import Foundation
import Graph
import Synchronization
import Testing

/// A value behind a lock that ThreadSanitizer knows, as it does not know `Mutex`.
private final class Locked<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value
  init(_ value: Value) { self.value = value }
  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}

/// A count for each index, added to by several threads.
private final class Tally: Sendable {
  private let counts: Locked<[Int]>
  init(_ count: Int) { counts = Locked(Array(repeating: 0, count: count)) }
  func add(_ index: Int) { counts.withLock { $0[index] += 1 } }
  var values: [Int] { counts.withLock { $0 } }
}

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 7], [0, 1, 2, 5, 1000])
  func callsEveryIndexOnce(threadCount: Int, count: Int) {
    let pool = ThreadPool(threadCount: threadCount), tally = Tally(count)
    pool.parallelFor(count) { index, worker in
      #expect((0..<threadCount).contains(worker))
      tally.add(index)
    }
    #expect(tally.values == Array(repeating: 1, count: count))
  }

  @Test func countsBelowZeroCallNothing() {
    ThreadPool(threadCount: 2).parallelFor(-3) { _, _ in Issue.record("called") }
  }

  @Test func aWorkerIsNeverUsedByTwoCallsAtATime() {
    let pool = ThreadPool(threadCount: 4)
    let busy = Locked<Set<Int>>([])
    pool.parallelFor(2000) { _, worker in
      #expect(busy.withLock { $0.insert(worker).inserted })
      busy.withLock { _ = $0.remove(worker) }
    }
  }

  @Test(arguments: [(0, 4), (1, 4), (4, 4), (5, 4), (1003, 10), (7, 100)])
  func rangesCoverAllAndDependOnSizeAlone(count: Int, grain: Int) {
    func ranges(_ threadCount: Int) -> [Range<Int>] {
      let found = Locked<[Range<Int>]>([])
      ThreadPool(threadCount: threadCount).parallelRanges(count, grain: grain) { range in
        found.withLock { $0.append(range) }
      }
      return found.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
    }
    let single = ranges(1)
    #expect(single.flatMap { Array($0) } == Array(0..<count))
    #expect(single.allSatisfy { (1...grain).contains($0.count) })
    #expect(ranges(3) == single)
  }

  @Test func loopsInsideLoopsRunToTheEnd() {
    let pool = ThreadPool(threadCount: 3), tally = Tally(20 * 30)
    pool.parallelFor(20) { outer, _ in
      pool.parallelFor(30) { inner, _ in tally.add(outer * 30 + inner) }
    }
    #expect(tally.values.allSatisfy { $0 == 1 })
  }

  @Test func twoCallersAtOnceBothFinish() {
    let pool = ThreadPool(threadCount: 3), rounds = 300, count = 64
    let tallies = [Tally(count), Tally(count)]
    let threads = tallies.map { tally in
      let done = DispatchSemaphore(value: 0)
      Thread {
        for _ in 0..<rounds { pool.parallelFor(count) { index, _ in tally.add(index) } }
        done.signal()
      }.start()
      return done
    }
    for thread in threads { #expect(thread.wait(timeout: .now() + 60) == .success) }
    for tally in tallies { #expect(tally.values.allSatisfy { $0 == rounds }) }
  }

  @Test func manyShortLoopsEachSeeTheirOwnBody() {
    let pool = ThreadPool(threadCount: 4)
    for round in 0..<20_000 {
      let sum = Atomic<Int>(0)
      pool.parallelFor(3) { index, _ in sum.wrappingAdd(round + index, ordering: .relaxed) }
      let total = sum.load(ordering: .relaxed)
      if total != 3 * round + 3 {
        Issue.record("round \(round) summed to \(total)")
        return
      }
    }
  }

  @Test func loopsAfterASleepRunOnAllIndices() {
    let pool = ThreadPool(threadCount: 3)
    for _ in 0..<5 {
      Thread.sleep(forTimeInterval: 0.02)
      let tally = Tally(100)
      pool.parallelFor(100) { index, _ in tally.add(index) }
      #expect(tally.values.allSatisfy { $0 == 1 })
    }
  }

  @Test func poolsCanBeMadeAndDroppedOftenWhileTheirThreadsSleep() {
    for _ in 0..<200 {
      let tally = Tally(8)
      ThreadPool(threadCount: 4).parallelFor(8) { index, _ in tally.add(index) }
      #expect(tally.values.allSatisfy { $0 == 1 })
    }
  }
}
