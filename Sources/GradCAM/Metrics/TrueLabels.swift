import Graph

/// What is in each of some pictures, by the user's word.
package struct TrueLabels {
  /// A row of a table.
  private struct Row: PictureEntry {
    let name: PictureName
    let label: String
    let place: String
  }

  /// By the path of the picture.
  private let labels: [String: String]

  /// - Parameters:
  ///   - source: `folders`, if the names of the pictures' folders are labels; or the path of a table of pictures and
  ///     labels in CSV, with or without a heading, which names pictures by the ends of their paths.
  ///   - pictures: the paths of the pictures.
  ///
  /// Throws `unreadable`, or `badData` naming the line that cannot be read or the picture without a label.
  package init(_ source: String, of pictures: [String]) throws {
    let pictures = pictures.withoutRepeats
    let found =
      source == "folders" ? try pictures.map(Self.folder) : try Self.labels(of: pictures, inTable: source)
    labels = Dictionary(uniqueKeysWithValues: zip(pictures, found))
  }

  /// The label of one of the pictures.
  package func label(of picture: String) -> String { labels[picture]! }

  /// The name of a picture's folder.
  private static func folder(of picture: String) throws -> String {
    let folders = picture.split(separator: "/").dropLast()
    guard let folder = folders.last else {
      throw GradCAMError(
        .badData, at: "\(picture)", problem: "lies in no folder that could be its label",
        advice: "name pictures by FOLDER/FILE, or give \(.truth, as: "FILE.csv")")
    }
    return String(folder)
  }

  private static func labels(of pictures: [String], inTable path: String) throws -> [String] {
    let rows = try rows(of: path), names = NamedPictures(pictures), found = try names.matches(rows, path)
    return try pictures.map { picture in
      guard let index = found[picture] else {
        let near = names.similar(to: [picture], among: rows, found)
        throw GradCAMError(
          .badData, at: path, problem: "has no label for \(picture)",
          advice: near.isEmpty ? "add it" : "a similar name in it is \(near.quoted)")
      }
      return rows[index].label
    }
  }

  private static func rows(of path: String) throws -> [Row] {
    let advice = "write PICTURE,LABEL in each line, or a heading with 'image' and 'label'"
    let lines = try textOfFile(at: path, advice: advice).lines
    let separator = AnnotationTable.separator(of: lines.first ?? "")
    var rows: [PictureName: Row] = [:], columns = (picture: 0, label: 1), count = 2
    for (number, line) in lines.enumerated() where !line.trimmingSpace.isEmpty {
      let cells = (CSV.fields(line, separator: separator) ?? []).map(\.trimmingSpace)
      let heads = cells.map { $0.lowercased() }
      if number == 0, let picture = heads.firstIndex(where: AnnotationTable.pictureHeads.contains),
        let label = heads.firstIndex(where: AnnotationTable.labelHeads.contains)
      {
        (columns, count) = ((picture, label), cells.count)
        continue
      }
      let place = "\(path), line \(number + 1)"
      guard cells.count == count, let name = PictureName(cells[columns.picture]), !cells[columns.label].isEmpty else {
        throw GradCAMError(
          .badData, at: "\(place)", problem: "does not give a picture and its label", advice: "\(advice)")
      }
      let row = Row(name: name, label: cells[columns.label], place: place)
      if let other = rows.updateValue(row, forKey: name), other.label != row.label {
        throw GradCAMError(
          .badData, at: "\(place)", problem: "gives '\(name.text)' the label '\(row.label)'",
          advice: "\(other.place) gives it '\(other.label)'; leave one out")
      }
    }
    return rows.values.sorted { $0.name.text < $1.name.text }
  }
}
