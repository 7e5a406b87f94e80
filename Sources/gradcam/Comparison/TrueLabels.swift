import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is in each picture, by the user's word.
struct TrueLabels {
  private enum Source {
    /// The name of the picture's folder.
    case folders
    /// A table's labels by picture.
    case table(path: String, [String: String])
  }

  private let source: Source

  private static let pictureColumns: Set = ["image", "picture", "file", "filename", "path"]
  private static let labelColumns: Set = ["label", "class", "name", "category"]

  /// - Parameter argument: `folders`, or the path of a table of pictures and labels in CSV, with or without a heading.
  ///
  /// Throws `unreadable`, or `badData` naming the line that cannot be read.
  init(_ argument: String) throws {
    guard argument != "folders" else {
      source = .folders
      return
    }
    guard let data = try? Data(contentsOf: URL(filePath: argument)) else {
      throw GradCAMError(
        .unreadable, at: "--truth \(argument)", problem: "cannot be read",
        advice: "give 'folders', or a CSV file of pictures and labels")
    }
    let lines = String(decoding: data, as: UTF8.self).split { $0 == "\n" || $0 == "\r\n" }
    var labels: [String: String] = [:], columns = (picture: 0, label: 1)
    for (number, line) in lines.enumerated() {
      let fields = CSV.fields(String(line)) ?? [], names = fields.map { $0.lowercased() }
      if number == 0, let picture = names.firstIndex(where: Self.pictureColumns.contains),
        let label = names.firstIndex(where: Self.labelColumns.contains)
      {
        columns = (picture, label)
        continue
      }
      guard fields.count > max(columns.picture, columns.label), number > 0 || fields.count == 2 else {
        throw GradCAMError(
          .badData, at: "\(argument), line \(number + 1)", problem: "does not give a picture and its label",
          advice: "write PICTURE,LABEL in each line, or a heading with 'image' and 'label'")
      }
      let picture = fields[columns.picture], label = fields[columns.label]
      if let other = labels[picture], other != label {
        throw GradCAMError(
          .badData, at: "\(argument), line \(number + 1)",
          problem: "gives '\(picture)' the label '\(label)', an earlier line '\(other)'", advice: "leave one out")
      }
      labels[picture] = label
    }
    source = .table(path: argument, labels)
  }

  /// The label of a picture, which a table identifies by the end of its path.
  ///
  /// Throws `badData` if there is none.
  func label(of picture: String) throws -> String {
    let parts = picture.split(separator: "/").map(String.init)
    switch source {
    case .folders:
      guard parts.count > 1 else {
        throw GradCAMError(
          .badData, at: picture, problem: "lies in no folder that could be its label",
          advice: "name pictures by FOLDER/FILE, or give --truth a CSV file")
      }
      return parts[parts.count - 2]
    case .table(let path, let labels):
      let ends = (1...parts.count).reversed().map { parts.suffix($0).joined(separator: "/") }
      guard let label = labels[picture] ?? ends.lazy.compactMap({ labels[$0] }).first else {
        let near = nearest(to: parts.last ?? "", among: labels.keys.sorted(), count: 2)
        throw GradCAMError(
          .badData, at: path, problem: "has no label for \(picture)",
          advice: near.isEmpty ? "add it" : "the nearest names in it are \(near.joined(separator: ", "))")
      }
      return label
    }
  }
}
