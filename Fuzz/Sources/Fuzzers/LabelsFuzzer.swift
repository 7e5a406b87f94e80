@testable import GradCAM
import Graph

/// Reads a text as the names of classes, in a file of each extension that matters, and looks for some of them.
func fuzzLabels(_ input: [UInt8]) throws {
  let text = String(decoding: input, as: UTF8.self)
  for name in ["labels.txt", "labels.csv", "labels.tsv", "labels.yaml"] {
    guard let names = try? LabelFile.names(in: text, name: name) else { continue }
    let labels = Labels(names)
    for query in [names.first ?? "", "cat", "1"] { _ = try? labels.index(of: query, classCount: names.count) }
  }
}
