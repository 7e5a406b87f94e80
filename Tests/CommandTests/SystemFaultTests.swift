import Foundation
import Testing

/// What the system does to a run ends it with one line and an exit code, never with a signal.
struct SystemFaultTests {
  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  @Test func aModelThatIsCutShortWhileItIsReadIsNamed() throws {
    try FileManager.default.copyItem(atPath: shipped("shapes-vgg.onnx"), toPath: workplace.path("model.onnx"))
    // Of so few pictures, the weights are read again in every run of the network; the first picture is done early.
    let picture = shipped("samples/single-003-star.png")
    let outcome = try workplace.run(
      ["explain", "model.onnx"] + Array(repeating: picture, count: 8) + ["--method", "iscam", "--output", "maps/"]
    ) { process in
      while process.isRunning, workplace.files.count(where: { $0.hasSuffix(".png") }) < 1 { usleep(10_000) }
      #expect(truncate(workplace.path("model.onnx"), 4096) == 0)
    }
    #expect(outcome.code == 66, "\(outcome.errors)")
    #expect(outcome.errors.hasPrefix("gradcam: error: model.onnx: was cut short"), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1 && !workplace.files.contains { $0.hasSuffix(".tmp") })
  }

  /// Every allocation of a run fails in turn, with the C library's functions replaced by ones that fail once.
  @Test func anAllocationThatFailsIsAnError() throws {
    let library = try PluginLibraries.compile("failing-malloc.c", to: workplace.path("failing.so"))
    var codes: [Int32: Int] = [:]
    for number in 1...500 {
      let outcome = try workplace.run(
        ["explain", fixture("plain.onnx"), fixture("disc.png"), "--threads", "2", "--output", "map.png", "--quiet"],
        environment: ["LD_PRELOAD": library, "FAILING_ALLOCATION": "\(number)"])
      codes[outcome.code, default: 0] += 1
      guard outcome.code == 71 else {
        #expect(outcome.code == 0 || (64...73).contains(outcome.code), "allocation \(number): \(outcome.code)")
        continue
      }
      #expect(outcome.errors.hasPrefix("gradcam: error: out of memory: "), "allocation \(number): \(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "allocation \(number): \(outcome.errors)")
    }
    #expect(codes[71, default: 0] > 400, "\(codes)")
    #expect(!workplace.files.contains { $0.hasSuffix(".tmp") })
  }
}
