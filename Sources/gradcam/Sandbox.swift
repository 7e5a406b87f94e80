import ArgumentParser
import CProtection
import GradCAM
import Graph

/// Whether the kernel keeps the program from what it has no use for.
enum SandboxMode: String, CaseIterable, ExpressibleByArgument { case auto, on, off }

/// The option that commands share which read files of strangers.
struct SandboxOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep the program to the files that are named, to the folders of its outputs and off the network: on; off; or "
        + "auto, on if the kernel has Landlock and no plugin is loaded.", valueName: "WHEN"))
  var sandbox = SandboxMode.auto

  /// Restricts the program to what a command line names; before any thread starts and any of the files is opened.
  ///
  /// - Parameter plugins: the libraries that will be loaded; they may need more than is named.
  ///
  /// Throws `unsupported` if it must be on and the kernel cannot.
  func enter(_ named: NamedFiles, plugins: [String]) throws {
    guard sandbox == .on || sandbox == .auto && plugins.isEmpty else { return }
    guard let box = sandbox_begin() else {
      guard sandbox == .on else { return }
      throw GradCAMError(
        .unsupported, at: "--sandbox on", problem: "this system has no Landlock", advice: "leave it out")
    }
    for (path, access) in named.rules(plugins: plugins) { sandbox_allow(box, path, Int32(access.rawValue)) }
    let code = sandbox_enter(box)
    guard code == 0 || sandbox == .auto else {
      throw GradCAMError(
        .unsupported, at: "--sandbox on", problem: "the system refuses it (\(String(cString: strerror(code))))",
        advice: "leave it out")
    }
    Sandbox.isActive = code == 0
  }
}

/// The sandbox that the program is in.
enum Sandbox {
  /// Whether the program is in one; set before any thread starts.
  nonisolated(unsafe) static var isActive = false

  /// What to add to an error that it may have caused; nil for any other.
  static func hint(_ error: GradCAMError) -> String? {
    guard isActive, [.unreadable, .unwritable].contains(error.kind),
      error.description.contains(String(cString: strerror(EACCES)))
    else { return nil }
    return "the sandbox allows only what the command line names: --sandbox off allows all"
  }
}

/// The files that a command line names, and with them what the program may do.
struct NamedFiles {
  /// The models' files; those beside them are read, too.
  var models: [String] = []
  /// Other files that are read, and folders with all that is in them.
  var read: [String] = []
  /// The files and folders that are written to, whether or not they exist.
  var written: [String] = []

  /// What is allowed beneath a folder or with a file.
  struct Access: OptionSet {
    let rawValue: Int
    static let reading = Access(rawValue: Int(SANDBOX_READ)), writing = Access(rawValue: Int(SANDBOX_WRITE))
  }

  /// What the program itself needs: facts about the machine, and what the C library reads when it is first needed.
  private static let system: [(String, Access)] =
    [
      "/proc", "/sys", "/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo",
      "/dev/urandom",
    ].map { ($0, .reading) } + ["/dev/null", ProcessMemory.reset].map { ($0, [.reading, .writing]) }

  /// What is allowed, by path; of a path that is listed twice, both.
  func rules(plugins: [String]) -> [(String, Access)] {
    let beside = models.flatMap { model in
      let place = enclosingFolder(of: model)
      return [place, model] + Self.links(in: place) + ModelMetadata.filesRead(beside: model)
    }
    let reading = (beside + read + plugins + plugins.map(enclosingFolder)).withoutRepeats
    return Self.system + reading.map { ($0, .reading) }
      + written.flatMap(Self.places).withoutRepeats.map { ($0, [.reading, .writing]) }
  }

  /// The folders in which a file or the files of a folder appear: the nearest that exist, and if the path is a link, those
  /// of the file that it leads to, whether or not that exists.
  private static func places(of path: String) -> [String] {
    let path = path.isEmpty ? "." : path
    if isFolder(path), access(path, F_OK) == 0 { return [path] }
    return [path, followingLinks(path) ?? path].withoutRepeats.map { file in
      var place = enclosingFolder(of: file)
      while access(place, F_OK) != 0, place != "/", place != "." { place = enclosingFolder(of: place) }
      return place
    }
  }

  /// The symbolic links in a folder, whose files may lie elsewhere, as in the cache of Hugging Face.
  private static func links(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var links: [String] = []
    while let entry = readdir(directory) {
      guard entry.pointee.d_type == UInt8(DT_LNK) else { continue }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      links.append("\(folder)/\(name)")
    }
    return links
  }
}

extension [String] {
  /// The paths of arguments `FILE` and `NAME=FILE`.
  var pathsOfArguments: [String] {
    flatMap { argument in
      [argument] + (argument.firstIndex(of: "=").map { [String(argument[argument.index(after: $0)...])] } ?? [])
    }
  }
}
