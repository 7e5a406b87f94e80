import Synchronization
import Testing

@Suite(.serialized) struct LoadTests {
  @Test func manyRequestsOfManyClients() async throws {
    let server = try TestServer()
    try await ask(server, times: 250)
    let before = residentBytes()
    let start = ContinuousClock.now
    try await ask(server, times: 1250)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let growth = ((residentBytes() ?? 0) - (before ?? 0)) >> 10
    print("10,000 requests: \(seconds) s, \(growth) KiB more")
    #expect(growth < 8 << 10)
  }

  /// Eight clients at once, each with one connection, get their own bytes back.
  private func ask(_ server: TestServer, times: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        group.addTask {
          let client = try RawClient(server.port)
          for time in 0..<times {
            let text = "\(number) \(time)"
            client.send(server.request("POST /echo", body: text))
            let answer = try client.receive()
            guard answer.status == 200, answer.body == text else { throw RawClient.Failure(reason: "\(answer)") }
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
