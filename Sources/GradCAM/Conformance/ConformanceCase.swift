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
  /// Throws `unreadable` if the folder cannot be listed.
  public static func find(in folder: String) throws -> [ConformanceCase] {
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
    return try entries.flatMap { entry -> [ConformanceCase] in
      let path = folder + "/" + entry
      let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
      return isFolder ? try find(in: path) : []
    }
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
