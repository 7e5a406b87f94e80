import Synchronization
import Testing

@testable import GradCAMCommand

@Suite struct TurnsTests {
  @Test func oneMoreThanThereArePlacesIsRefused() throws {
    let turns = Turns(places: 1)
    try turns.wait(whileTrue: { true }) {
      #expect(throws: Turns.NoPlace.self) { try turns.wait(whileTrue: { true }) {} }
    }
    #expect(try turns.wait(whileTrue: { true }) { 7 } == 7)
  }

  @Test func whatIsNoLongerWantedIsNotRun() throws {
    let turns = Turns(), ran = Mutex(false)
    try turns.wait(whileTrue: { true }) {
      #expect(try turns.wait(whileTrue: { false }) { ran.withLock { $0 = true } } == nil)
    }
    #expect(!ran.withLock { $0 })
  }

  @Test func someRunAtATime() throws {
    let turns = Turns(atOnce: 2)
    let inner = try turns.wait(whileTrue: { true }) {
      try turns.wait(whileTrue: { true }) { try turns.wait(whileTrue: { false }) { 3 } }
    }
    #expect(inner == .some(.some(nil)))
  }
}
