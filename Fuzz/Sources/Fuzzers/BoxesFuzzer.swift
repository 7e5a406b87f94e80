@testable import GradCAM
import Graph

/// Reads a file of boxes, whose format its content tells, and a table of what is in pictures.
func fuzzBoxes(_ input: [UInt8]) throws {
  let pictures = ["images/cat.jpg", "images/dog.png", "a.png"], labels = Labels(["cat", "dog"])
  let path = FuzzFolder.write(input, to: "cat.txt")
  _ = try? TrueLabels(path, of: pictures)
  let boxes = try ObjectBoxes(contentsOf: path, of: pictures) { _ in PixelSize(width: 64, height: 48) }
  for picture in pictures {
    _ = try boxes.classes(in: picture, labels, classCount: 2)
    _ = try boxes.boxes(in: picture, of: 0, labels, classCount: 2)
  }
}
