import Graph
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The files that this process writes: where they go, and what they hold.
package enum OutputFiles {
  /// Where they go.
  package enum Destination: Sendable {
    /// To the paths that they are named.
    case asNamed
    /// Beneath a folder: those in the working directory by their path from it, others by their path from the root.
    case folder(String)
    /// Nowhere: only their digests are computed.
    case nowhere
  }

  /// A file that was written.
  package struct Written: Sendable {
    /// The path that it was named, wherever it went.
    package let path: String
    package let digest: FileDigest
  }

  private struct State {
    var destination = Destination.asNamed
    var isRecording = false
    var areDurable = false
    var written: [Written] = []
    /// The place of each in `written`, by path.
    var places: [String: Int] = [:]
  }

  private static let state = Mutex(State())

  /// Where they go.
  package static var destination: Destination {
    get { state.withLock { $0.destination } }
    set { state.withLock { $0.destination = newValue } }
  }

  /// The folders beneath which all of them go; nil if they go to the paths that they are named.
  package static var folders: [String]? {
    switch destination {
    case .asNamed: nil
    case .folder(let folder): [folder]
    case .nowhere: []
    }
  }

  /// Whether `written` says what they hold.
  package static var isRecording: Bool {
    get { state.withLock { $0.isRecording } }
    set { state.withLock { $0.isRecording = newValue } }
  }

  /// Whether their contents are on the disk before they have their names, so that no file is empty after power failed.
  package static var areDurable: Bool {
    get { state.withLock { $0.areDurable } }
    set { state.withLock { $0.areDurable = newValue } }
  }

  /// Those written since `isRecording` was set, in order.
  package static var written: [Written] { state.withLock { $0.written } }

  /// What was written to a path; nil if nothing was since `isRecording` was set.
  package static func written(to path: String) -> Written? {
    state.withLock { state in state.places[path].map { state.written[$0] } }
  }

  /// Notes a file that is complete.
  package static func note(_ path: String, _ digest: FileDigest) {
    state.withLock { state in
      state.places[path] = state.written.count
      state.written.append(Written(path: path, digest: digest))
    }
  }

  /// The path at which a file is written; nil for nowhere.
  ///
  /// Beneath a folder, the folders on the way to it are created.
  ///
  /// Throws `unwritable` if the folder cannot be created.
  package static func place(of path: String) throws -> String? {
    switch destination {
    case .asNamed: return path
    case .nowhere: return nil
    case .folder(let folder):
      let steps = steps(of: path), place = ([folder] + steps.dropLast()).joined(separator: "/")
      try createFolder(at: place)
      return "\(place)/\(steps.last ?? "_")"
    }
  }

  /// The names on the way to a file, none of which leads upwards.
  private static func steps(of path: String) -> [String] {
    let here = names(in: workingDirectory), all = path.hasPrefix("/") ? names(in: path) : names(in: path, from: here)
    return all.starts(with: here) ? Array(all.dropFirst(here.count)) : all
  }

  private static func names(in path: String, from start: [String] = []) -> [String] {
    path.split(separator: "/").reduce(into: start) { names, name in
      switch name {
      case ".": break
      case "..": _ = names.popLast()
      default: names.append(String(name))
      }
    }
  }
}

/// Creates a folder, and those on the way to it, unless it is there.
///
/// Throws `unwritable` if that fails.
package func createFolder(at path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw GradCAMError(
      .unwritable, at: path, problem: "cannot be created as a folder", advice: "check the path and its permissions")
  }
}

/// The path of the working directory; empty if it is gone.
package var workingDirectory: String {
  guard let path = getcwd(nil, 0) else { return "" }
  defer { free(path) }
  return String(cString: path)
}
