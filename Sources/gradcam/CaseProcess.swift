import ArgumentParser
import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Runs one backend-test case in a child process, so that a plugin that crashes ends only that process.
struct CaseProcess {
  /// The arguments of every run, without the case's folder.
  let arguments: [String]

  private struct Row: Decodable {
    let status: String
    let reason: String?
  }

  /// Runs a case.
  ///
  /// Throws the exit code of a run that could not start; its error is already on standard error.
  func run(_ each: ConformanceCase) throws -> ConformanceOutcome {
    let (status, output) = try spawn(arguments + ["--", each.folder])
    let signal = status & 0x7f, code = status >> 8 & 0xff
    guard signal == 0 else {
      let name = strsignal(signal).map { String(cString: $0) } ?? "unknown"
      return ConformanceOutcome(status: .failed, reason: "the plugin crashed: signal \(signal) (\(name))")
    }
    guard code < 64 else { throw ExitCode(code) }
    guard let row = try? JSONDecoder().decode([Row].self, from: output).first,
      let status = ConformanceOutcome.Status(rawValue: row.status)
    else {
      return ConformanceOutcome(status: .failed, reason: "the plugin ended the program with exit code \(code)")
    }
    return ConformanceOutcome(status: status, reason: row.reason.map { Message($0) })
  }

  /// Runs this program; gives the status that `waitpid` reports, and standard output.
  private func spawn(_ arguments: [String]) throws -> (status: Int32, output: Data) {
    var ends: [Int32] = [0, 0]
    try check(pipe(&ends) == 0 ? 0 : errno, "a pipe")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])

    var words: [UnsafeMutablePointer<CChar>?] = (["gradcam"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, &words, environ)
    close(ends[1])
    defer { close(ends[0]) }
    try check(code, "this program")

    var output = Data(), buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(ends[0], &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      output.append(contentsOf: buffer[..<count])
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return (status, output)
  }

  private func check(_ code: Int32, _ what: String) throws {
    guard code != 0 else { return }
    throw GradCAMError(
      .defect, at: "check --plugin", problem: "cannot start \(what) (\(String(cString: strerror(code))))")
  }
}
