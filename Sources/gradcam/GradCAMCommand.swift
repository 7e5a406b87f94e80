import ArgumentParser
import GradCAM
import Graph
import Ops

@main
struct GradCAMCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradcam",
    abstract: "Shows why a convolutional network decided as it did, straight from its .onnx file.",
    discussion: """
      Start with:
        gradcam explain MODEL.onnx PHOTO.jpg
        gradcam nodes MODEL.onnx

      Exit codes: 0 done, 1 a check failed, 64 usage, 65 bad data, 66 cannot read, 69 unsupported operator or feature, \
      70 a defect of this program, 71 out of memory, 73 cannot write, 130 ended by Ctrl-C.
      """,
    version: programVersion,
    subcommands: [
      Explain.self, Serve.self, Compare.self, DriftCommand.self, Sweep.self, Evaluate.self, Merge.self, Rerun.self,
      Preprocess.self, Nodes.self, Verify.self, Check.self, Bench.self, Models.self, Plugins.self,
    ])

  static let _errorPrefix = "gradcam: error: "

  /// Runs the program; every error ends it with one line on standard error and its documented exit code.
  static func main() {
    occupyStandardDescriptors()
    // Writing beyond a limit on file sizes is an error like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    Interruption.watch()
    keepFreedMemory()
    endBLASThreads()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as GradCAMError {
      Console.fail(error)
    } catch {
      if let hint = ForeignOption(in: CommandLine.arguments.dropFirst(), message(for: error)) {
        Console.fail(hint.error)
      }
      let code = exitCode(for: error)
      guard code != .success else { exit(withError: error) }
      // The parser quotes arguments, which may be the names of any files.
      let text = fullMessage(for: error)
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !text.isEmpty {
        Console.note(String(line))
      }
      exit(withError: code)
    }
  }

  /// Opens what is closed of standard input, output and error, so that no file takes their numbers.
  ///
  /// The other direction than theirs makes their use the same error as if they were closed.
  private static func occupyStandardDescriptors() {
    for (descriptor, direction) in [O_WRONLY, O_RDONLY, O_RDONLY].enumerated()
    where fcntl(Int32(descriptor), F_GETFD) < 0 { _ = open("/dev/null", direction) }
  }

  /// Keeps freed blocks of a picture's size for the next picture: pages that go back to the system are cleared again.
  private static func keepFreedMemory() {
    #if canImport(Glibc)
      mallopt(M_MMAP_THRESHOLD, 32 << 20)
      mallopt(M_TRIM_THRESHOLD, 256 << 20)
    #endif
  }
}
