import Testing

@Suite(.serialized) struct LoadTests {
  @Test func manyRequestsOfManyClients() async throws {
    try await ask(try TestServer(), times: 1250)
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
