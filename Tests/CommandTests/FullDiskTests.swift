import Foundation
import Testing

/// A disk that is full, and folders that cannot be written: one error, and nothing that is torn.
struct FullDiskTests {
  private let place: Workplace
  private static let model = fixture("plain.onnx")

  init() throws {
    place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("photos"), withIntermediateDirectories: false)
    for index in 0..<40 {
      try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: place.path("photos/\(index).png"))
    }
  }

  /// Runs a script in which `$0` is the program.
  private func script(_ text: String) throws -> Workplace.Outcome {
    try place.run(["-c", text, Workplace.built("gradcam").path], program: "/bin/sh")
  }

  private func expectUnwritable(_ outcome: Workplace.Outcome, sourceLocation: SourceLocation = #_sourceLocation) {
    let errors = outcome.errors.split(separator: "\n").filter { $0.contains("error: ") }
    #expect(outcome.code == 73 && errors.count == 1, "\(outcome)", sourceLocation: sourceLocation)
    #expect(errors.first?.contains("cannot be written") ?? false, "\(outcome)", sourceLocation: sourceLocation)
  }

  private func evaluation(_ log: String) -> String {
    "evaluate \(Self.model) photos --metric average-drop --output \(log) --resume"
  }

  /// The limit on the size of files, which everyone may set; the system announces it by a signal.
  @Test func limitOnTheSizeOfFiles() throws {
    expectUnwritable(
      try script("ulimit -f 4; exec $0 explain \(Self.model) photos --quiet --sheet sheet.png --save-heat all.npz"))
    #expect(place.files.allSatisfy { $0.hasPrefix("photos") })

    expectUnwritable(try script("ulimit -f 8; exec $0 \(evaluation("log.jsonl"))"))
    let part = try place.contents("log.jsonl.part")
    #expect(try script("exec $0 \(evaluation("log.jsonl"))").code == 0)
    let continued = try place.contents("log.jsonl")
    try FileManager.default.removeItem(atPath: place.path("log.jsonl"))
    #expect(try script("exec $0 \(evaluation("log.jsonl"))").code == 0)
    let whole = try place.contents("log.jsonl")
    #expect(continued == whole)
    #expect(part.count > 1000 && part.count < whole.count && part.last == 0x0A && whole.starts(with: part))
  }

  /// Whether this user may mount a file system of its own.
  private static let mounts: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "unshare -Urm mount -t tmpfs none /mnt 2>&-"]
    return (try? process.run()).map { process.waitUntilExit() } != nil && process.terminationStatus == 0
  }()

  /// Runs a script whose working directory `full` is a file system of its own, and then keeps its files in `kept`.
  private func onDisk(_ options: String, _ text: String) throws -> Workplace.Outcome {
    try script(
      """
      mkdir full kept; exec unshare -Urm sh -c '
        mount -t tmpfs -o \(options) none full
        \(text)
        code=$?; cp -a full/. kept; exit $code' $0
      """)
  }

  @Test(.enabled(if: mounts)) func fullDisk() throws {
    expectUnwritable(
      try onDisk(
        "size=32k",
        "$0 explain \(Self.model) photos --quiet --output full/ --save-heat full/all.npz"))
    let maps = place.files.filter { $0.hasPrefix("kept/") }
    #expect(maps.allSatisfy { $0.hasSuffix(".png") })
    for map in maps { #expect(try place.picture(map).width == 30) }
  }

  @Test(.enabled(if: mounts)) func fullDiskUnderALog() throws {
    expectUnwritable(try onDisk("size=4k", "$0 \(evaluation("full/log.csv"))"))
    let part = try place.contents("kept/log.csv.part")
    #expect(try script("exec $0 \(evaluation("kept/log.csv"))").code == 0)
    #expect(try script("exec $0 \(evaluation("whole.csv"))").code == 0)
    let whole = try place.contents("whole.csv")
    #expect(try place.contents("kept/log.csv") == whole)
    #expect(part.count > 1000 && part.count < whole.count && part.last == 0x0A && whole.starts(with: part))
  }

  /// Commands that write, one or more for each kind of file.
  private static let writing = [
    "explain MODEL photos/1.png --output full/a.png", "explain MODEL photos/1.png --output full/new/",
    "explain MODEL photos/1.png --output a.png --save-map full/map.npy",
    "explain MODEL photos --quiet --save-heat full/all.npz", "explain MODEL photos --quiet --sheet full/sheet.jpg",
    "explain MODEL photos/1.png --method all --output full/all.png", "sweep MODEL photos/1.png --output full/a.png",
    "compare MODEL MODEL photos/1.png --output a.png --report full/a.html",
    "compare MODEL MODEL photos/1.png --output a.png --csv full/a.csv",
    "compare MODEL MODEL photos/1.png --output full/a.png",
    "evaluate MODEL photos --output full/log.jsonl", "evaluate MODEL photos --output full/log.csv --resume",
    "verify MODEL --node auto --json >full/out.json", "nodes MODEL >full/out.txt",
    "models --models $(dirname MODEL) >full/out.txt",
    "explain MODEL photos --jsonl --output maps/ >full/out.jsonl",
  ]

  /// Runs a command after another that prepares the disk, and returns the files that are left there.
  private func filesLeft(on disk: String, preparing: String = ":", by command: String) throws -> [String] {
    let outcome = try onDisk(disk, "\(preparing); $0 \(command.replacing("MODEL", with: Self.model))")
    let errors = outcome.errors.split(separator: "\n").filter { $0.contains("error: ") }
    #expect(outcome.code == 73 && errors.count == 1, "\(outcome)")
    #expect(!place.files.contains { $0.contains(".tmp") })
    return place.files.filter { $0.hasPrefix("kept/") }
  }

  @Test(.enabled(if: mounts), arguments: writing) func diskWithoutSpace(_ command: String) throws {
    let left = try filesLeft(on: "size=4k", preparing: "head -c 4096 /dev/zero >full/zeros", by: command)
    for file in left where !["kept/zeros", "kept/new"].contains(file) {
      // A log, and what the shell opens, exists before anything is written to it.
      let isOpenedFirst = file.hasPrefix("kept/log.") || file.hasPrefix("kept/out.")
      let contents = try place.contents(file)
      #expect(isOpenedFirst && contents.isEmpty, "\(file)")
    }
  }

  @Test(.enabled(if: mounts), arguments: writing.filter { !$0.contains(">") }) func readOnlyFolder(_ command: String)
    throws
  {
    #expect(try filesLeft(on: "ro", by: command).isEmpty)
  }
}
