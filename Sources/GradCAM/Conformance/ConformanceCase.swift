import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A folder of ONNX's backend tests: a model with inputs and the outputs expected of it.
public struct ConformanceCase: Sendable {
  /// The folder's name.
  public let name: String
  /// The folder's path.
  public let folder: String
  /// The folders of inputs and outputs.
  let dataSets: [String]

  /// The cases in a folder, sorted by name: the folder itself, or those below it.
  ///
  /// A folder that several links lead to is searched once.
  ///
  /// Throws `unreadable` if the folder cannot be listed.
  public static func find(in folder: String) throws -> [ConformanceCase] {
    var searched: Set<String> = []
    return try find(in: folder, &searched)
  }

  private static func find(in folder: String, _ searched: inout Set<String>) throws -> [ConformanceCase] {
    if let resolved = realpath(folder, nil) {
      defer { free(resolved) }
      guard searched.insert(String(cString: resolved)).inserted else { return [] }
    }
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    } catch {
      throw GradCAMError(.unreadable, at: folder, problem: "cannot be listed", advice: "give a folder of cases")
    }
    if entries.contains("model.onnx") {
      let sets = entries.filter { $0.hasPrefix("test_data_set_") }.map { folder + "/" + $0 }
      let name = fileName(folder)
      return [ConformanceCase(name: name, folder: folder, dataSets: sets)]
    }
    var cases: [ConformanceCase] = []
    for entry in entries {
      let path = folder + "/" + entry
      let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
      if isFolder { cases += try find(in: path, &searched) }
    }
    return cases
  }
}

/// The outcome of a case.
public struct ConformanceOutcome: Sendable {
  /// The possible outcomes.
  public enum Status: String, Sendable {
    case passed, failed, skipped
  }

  /// The status.
  public let status: Status
  /// Why it did not pass; nil if it did.
  public let reason: Message?

  /// An outcome.
  public init(status: Status, reason: Message?) {
    self.status = status
    self.reason = reason
  }
}
