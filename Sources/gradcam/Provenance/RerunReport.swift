import GradCAM
import Graph

/// A file that was read and is not what it was.
struct InputChange: Encodable {
  enum Change: String, Encodable { case differs, missing, new }

  let path: String
  let change: Change

  init(path: String, change: Change) { (self.path, self.change) = (path, change) }

  /// Nil if the file is what it was, also if it is still not there.
  init?(_ before: Provenance.File) {
    let now = before.now
    guard now != before else { return nil }
    path = before.path
    change = now.bytes == nil ? .missing : before.bytes == nil ? .new : .differs
  }
}

/// What `rerun` found.
struct RerunReport: Encodable {
  struct Output: Encodable {
    let path: String
    /// Nil if the file holds measured times, so that it cannot be the same.
    @Nullable var same: Bool?
    /// The SHA-256 before and now; nil if the run does not write the file.
    @Nullable var before: String?
    @Nullable var now: String?
  }

  /// The file that tells of the run.
  let file: String
  /// Whether all outputs that can be the same are.
  let same: Bool
  /// The files that are not what they were; if there are any, the run is not repeated.
  let inputs: [InputChange]
  let outputs: [Output]
  /// What else is not as it was; empty if the outputs are the same.
  let reasons: [String]
  /// The folder of the outputs; nil if they were only compared.
  @Nullable var folder: String?

  /// A run that is not repeated.
  init(file: String, inputs: [InputChange]) {
    (self.file, self.inputs, same, outputs, reasons) = (file, inputs, false, [], [])
    folder = nil
  }

  /// - Parameters:
  ///   - before: what a file tells of a run.
  ///   - after: the same of the run that repeats it.
  init(file: String, _ before: Provenance, _ after: Provenance, folder: String?) {
    let then = before.outputs, now = after.outputs
    let paths = (then + now).map(\.path).withoutRepeats
    outputs = paths.map { path in
      let old = then.last { $0.path == path }, new = now.last { $0.path == path }
      return Output(
        path: path, same: new?.timed ?? false ? nil : old?.sha256 == new?.sha256, before: old?.sha256,
        now: new?.sha256)
    }
    same = outputs.allSatisfy { $0.same ?? true }
    (self.file, self.folder, inputs) = (file, folder, [])
    reasons = same ? [] : Self.differences(before, after)
  }

  /// What may have made other bytes of the same inputs.
  private static func differences(_ before: Provenance, _ after: Provenance) -> [String] {
    func text(_ what: String, _ old: String, _ new: String) -> String? {
      old == new ? nil : "\(what) was \(old.isEmpty ? "unknown" : old), and is \(new.isEmpty ? "unknown" : new)"
    }
    let (old, new) = (before.cpu, after.cpu)
    let known = Set(before.inputs.data.map(\.path)), plugins = before.inputs.plugins.map(\.sha256)
    let read =
      after.inputs.data.filter { !known.contains($0.path) && $0.sha256 != nil }
      + after.inputs.plugins.filter { !plugins.contains($0.sha256) }
    return [
      text("gradcam", before.version, after.version), text("the processor", old.name, new.name),
      text("its instructions", old.instructions, new.instructions),
      text("the library of matrix products", old.blas, new.blas),
    ].compactMap { $0 } + read.map { "\($0.path) was not read, and is" }
  }

  func describe() throws {
    for input in inputs { try Console.output("\(input.path): \(input.change.text)") }
    guard inputs.isEmpty else { return try Console.print("The run is not repeated: it would not be the same.") }
    for output in outputs {
      let text =
        switch output.same {
        case nil: "holds measured times, which differ from run to run"
        case true?: "the same"
        case false? where output.before == nil: "was not written then"
        case false?: output.now == nil ? "is not written now" : "differs"
        }
      try Console.print("\(output.path): \(text)")
    }
    for reason in reasons { try Console.output("likely because \(reason)") }
    let count = outputs.count { $0.same == false }
    try Console.print(
      same
        ? "The same: \(counted(outputs.count { $0.same == true }, "output"))"
        : "\(counted(count, "output")) of \(outputs.count) \(count == 1 ? "differs" : "differ")")
  }
}

extension InputChange.Change {
  fileprivate var text: String {
    switch self {
    case .differs: "is not what it was"
    case .missing: "cannot be read"
    case .new: "was not there, and is now read"
    }
  }
}
