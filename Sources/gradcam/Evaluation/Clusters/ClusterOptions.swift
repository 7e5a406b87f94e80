import ArgumentParser
import GradCAM
import Graph

/// Into how many groups the maps of a class are put, and where the groups are shown.
struct ClusterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Put the maps of each class into K groups that have their evidence in the same places; needs the maps of all "
        + "pictures, and so no --resume.", valueName: "K"))
  var clusters: Int?
  @Option(
    help: ArgumentHelp("A self-contained page of the groups and their pictures.", valueName: "FILE.html"),
    completion: .file(extensions: ["html"])) var report: String?

  /// Throws a validation error if maps would be missing, or pictures of a page could not be read again.
  func validate(_ many: ManyImagesOptions) throws {
    if clusters != nil, many.resume {
      throw ValidationError(
        "--clusters needs the maps of all pictures, and --resume computes only those that are missing: leave one out.")
    }
    if report != nil, many.list == NameList.standardInput {
      throw ValidationError("--report reads pictures again, which standard input listed; give --images-from a file.")
    }
  }

  mutating func validate() throws {
    let counts = MapClusters.counts
    if let clusters, !counts.contains(clusters) {
      throw ValidationError("--clusters must be from \(counts.lowerBound) to \(counts.upperBound).")
    }
    if let report {
      if clusters == nil { throw ValidationError("--report needs --clusters.") }
      if !report.lowercased().hasSuffix(".html") { throw ValidationError("--report must end in .html.") }
    }
  }

  /// What gathers maps to group; nil if nobody asks.
  ///
  /// - Parameter methods: those whose maps are grouped.
  ///
  /// Throws `unsupported` for a model that takes no pictures.
  func gathering(_ methods: [String], _ metrics: [any Metric], for model: Model) throws -> GatheredMaps? {
    guard let clusters else { return nil }
    guard model.imageShape.rank == 2 else {
      throw GradCAMError(
        .unsupported, at: "--clusters \(clusters)", problem: "groups maps of pictures, and the model takes none",
        advice: "leave it out")
    }
    return GatheredMaps(clusters, methods, metrics)
  }
}
