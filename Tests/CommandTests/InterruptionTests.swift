import Foundation
import Testing

/// A run that takes long is ended by signals.
struct InterruptionTests {
  @Test(arguments: [SIGINT, SIGTERM])
  func signalsEndTheProgramAtOnceAndCleanly(_ signal: Int32) throws {
    let workplace = try Workplace(), folder = workplace.folder
    let clock = ContinuousClock()
    var sent: ContinuousClock.Instant?
    let outcome = try workplace.run(
      ["explain", shipped("shapes-resnet.onnx"), "--method", "sscam", "--output", "maps/"]
        + (0..<32).map { _ in shipped("samples/single-003-star.png") }
    ) { process in
      // Until it is at work: with the second picture there, the first has been reported.
      func count() -> Int {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/maps")
        return files?.filter { $0.hasSuffix(".png") }.count ?? 0
      }
      while process.isRunning, count() < 2 { usleep(20_000) }
      sent = clock.now
      kill(process.processIdentifier, signal)
    }
    #expect(outcome.code == 128 + signal && outcome.output.contains("star") && !outcome.errors.contains("error"))
    #expect(try #require(sent).duration(to: clock.now) < .seconds(1))
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/maps")
    #expect(!files.isEmpty && files.count < 32 && files.allSatisfy { $0.hasSuffix(".png") })
  }
}
