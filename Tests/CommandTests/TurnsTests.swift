import Synchronization
import Testing

@testable import GradCAMCommand

@Suite struct TurnsTests {
  /// What ends a wait.
  private struct Gone: Error {}

  private func goOn() {}
  private func giveUp() throws { throw Gone() }

  @Test func oneMoreThanThereArePlacesIsRefused() throws {
    let turns = Turns(places: 1)
    try turns.wait(goOn) {
      #expect(throws: Turns.NoPlace.self) { try turns.wait(goOn) {} }
    }
    #expect(try turns.wait(goOn) { 7 } == 7)
  }

  @Test func whatIsNoLongerWantedIsNotRun() throws {
    let turns = Turns(), ran = Mutex(false)
    try turns.wait(goOn) {
      #expect(throws: Gone.self) { try turns.wait(giveUp) { ran.withLock { $0 = true } } }
    }
    #expect(!ran.withLock { $0 })
  }

  @Test func someRunAtATime() throws {
    let turns = Turns(atOnce: 2)
    try turns.wait(goOn) {
      try turns.wait(goOn) {
        #expect(throws: Gone.self) { try turns.wait(giveUp) {} }
      }
      #expect(try turns.wait(giveUp) { 3 } == 3)
    }
  }
}
