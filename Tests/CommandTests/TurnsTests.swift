import Synchronization
import Testing

@testable import GradCAMCommand

@Suite struct TurnsTests {
  @Test func oneMoreThanThereArePlacesIsRefused() throws {
    let turns = Turns(places: 1)
    try turns.wait(whileTrue: { true }) {
      #expect(throws: Turns.NoPlace.self) { try turns.wait(whileTrue: { true }) { 1 } }
    }
    let result = try turns.wait(whileTrue: { true }) { 7 }
    #expect(result == 7)
  }

  @Test func whatIsNoLongerWantedIsNotRun() throws {
    let turns = Turns(), ran = Mutex(false)
    try turns.wait(whileTrue: { true }) {
      let result: Void? = try turns.wait(whileTrue: { false }) { ran.withLock { $0 = true } }
      #expect(result == nil)
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
