import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct ObjectBoxesTests {
  private static let two = """
    {"a.png": [{"label": "cat", "box": [1, 2, 4, 8]}, {"label": "dog", "box": [0, 0, 2, 2]},
               {"label": "cat", "box": [5, 5, 6, 6]}],
     "day/a.png": [{"label": "dog", "box": [0, 0, 1, 1]}]}
    """

  private func file(_ pictures: String...) -> String {
    "{" + pictures.map { "\"\($0)\": [{\"label\": \"dog\", \"box\": [0, 0, 9, 9]}]" }.joined(separator: ", ") + "}"
  }

  @Test func picturesAreFoundByTheEndOfTheirPaths() throws {
    let boxes = try BoxFiles.read(Self.two, of: ["/photos/a.png", "photos/day/a.png"])
    #expect(boxes.objects(in: "/photos/a.png").map(\.label) == ["cat", "dog", "cat"])
    #expect(boxes.objects(in: "photos/day/a.png").map(\.label) == ["dog"])
    #expect(boxes.objects(in: "b.png").isEmpty && boxes.warnings.isEmpty)
    for (name, picture) in [
      ("./a.png", "a.png"), ("x/y/a.png", "a.png"), ("x/y/a.png", "y/a.png"), ("/x/a.png", "x//a.png"),
    ] { #expect(try BoxFiles.read(file(name), of: [picture]).objects(in: picture).count == 1, "\(name)") }
    // A picture that is given twice is one.
    #expect(try BoxFiles.read(file("a.png"), of: ["a.png", "a.png"]).objects(in: "a.png").count == 1)
  }

  @Test func picturesThatCannotBeToldApart() {
    func expect(_ text: String, _ pictures: [String], _ words: String) {
      expectError(.badData, saying: words) { _ = try BoxFiles.read(text, of: pictures) }
    }
    expect(
      file("a.png"), ["x/a.png", "y/a.png"], "'a.png' may be x/a.png or y/a.png; name the picture with its folders")
    expect(file("x/a.png", "y/a.png"), ["a.png"], "a.png may be 'x/a.png', 'y/a.png'")
    expect(file("b.png"), ["a.png"], "names none of the pictures given: a.png; similar names in it: 'b.png'")
    expect(file("x/a.png"), ["y/a.png"], "similar names in it: 'x/a.png'")
    expect(file("elsewhere.jpeg"), ["a.png"], "names none of the pictures given: a.png; it has 'elsewhere.jpeg'")
    expect(
      "{}", ["1.png", "2.png", "3.png", "4.png", "5.png"], "1.png, 2.png, 3.png, 4.png and 1 more; it names no picture")
    expect(#"{"a.png": []}"#, ["a.png"], "holds no box of a.png")
  }

  /// Two pictures whose names differ by the extension are one for a file of YOLO.
  @Test func stems() throws {
    expectError(.badData, saying: "'a' may be a.jpg or a.png") {
      _ = try BoxFiles.read("a.txt", ["a.txt": "0 0.5 0.5 1 1"], of: ["a.jpg", "a.png"])
    }
    let boxes = try BoxFiles.read("a.b.txt", ["a.b.txt": "0 0.5 0.5 1 1"], of: ["a.b.png", "a.png"])
    #expect(boxes.objects(in: "a.b.png").count == 1 && boxes.objects(in: "a.png").isEmpty)
  }

  @Test func picturesWithoutBoxesAreReported() throws {
    let boxes = try BoxFiles.read(file("a.png", "bb.png", "z.png"), of: ["a.png", "b.png", "c.png"])
    #expect(boxes.warnings.count == 1)
    #expect(
      boxes.warnings[0].description.hasSuffix(
        "boxes.txt: 2 of 3 pictures have no boxes: b.png, c.png; similar names in the file: 'bb.png', 'z.png'"))
  }

  @Test(arguments: [
    ("0, 0, 20, 10", PixelRectangle(x: 0, y: 0, width: 20, height: 10), false),
    ("2.5, 2.51, 4.5, 4.49", PixelRectangle(x: 2, y: 3, width: 2, height: 1), false),
    ("3.1, 3.9, 3.2, 4.1", PixelRectangle(x: 3, y: 4, width: 1, height: 1), false),
    ("-1, -0.5, 21, 11", PixelRectangle(x: 0, y: 0, width: 20, height: 10), false),
    ("15, 5, 21.5, 9", PixelRectangle(x: 15, y: 5, width: 5, height: 4), true),
    ("-7, 5, 2, 9", PixelRectangle(x: 0, y: 5, width: 2, height: 4), true),
    ("19.6, 9.6, 20.2, 10.2", PixelRectangle(x: 19, y: 9, width: 1, height: 1), false),
  ])
  func edgesBecomePixels(_ edges: String, _ box: PixelRectangle, isClipped: Bool) throws {
    let boxes = try BoxFiles.read(#"{"a.png": [{"label": "dog", "box": [\#(edges)]}]}"#, of: ["a.png"])
    #expect(boxes.objects(in: "a.png").map(\.box) == [box])
    #expect(boxes.warnings.map(\.description).contains { $0.contains("goes beyond the picture's edge") } == isClipped)
  }

  @Test(arguments: ["20, 0, 25, 5", "-5, 0, 0, 5", "0, 10.2, 5, 12", "0, -3, 5, -1"])
  func boxesOutside(_ edges: String) {
    expectError(.badData, saying: "'a.png': box 1: the box [", "lies outside of a.png, which is 20x10 pixels") {
      _ = try BoxFiles.read(#"{"a.png": [{"label": "dog", "box": [\#(edges)]}]}"#, of: ["a.png"])
    }
  }

  /// The boxes of a picture that cannot be read are left out: it is skipped later, with the reason.
  @Test func unreadablePictures() throws {
    let text = file("a.png", "b.png")
    let boxes = try BoxFiles.read("b.json", ["b.json": text]) { $0.hasSuffix("a.png") ? BoxFiles.size : nil }
    #expect(boxes.objects(in: BoxFiles.pictures[0]).count == 1 && boxes.objects(in: BoxFiles.pictures[1]).isEmpty)
    #expect(boxes.warnings.isEmpty)
  }

  @Test func boxesByClass() throws {
    let boxes = try BoxFiles.read(Self.two, of: ["a.png"]), labels = Labels(["dog", "cat"])
    #expect(try boxes.classes(in: "a.png", labels, classCount: 2) == [1, 0])
    let cats = try boxes.boxes(in: "a.png", of: 1, labels, classCount: 2)
    #expect(cats == [PixelRectangle(x: 1, y: 2, width: 3, height: 6), PixelRectangle(x: 5, y: 5, width: 1, height: 1)])
    try boxes.check(labels, classCount: 2, of: "net.onnx")
    try boxes.check(Labels(["Dog", "tabby, CAT"]), classCount: 2, of: "net.onnx")
    expectError(.badData, saying: "'a.png': box 1: the label 'cat' is no class of net.onnx; did you mean 'cart'") {
      try boxes.check(Labels(["dog", "cart"]), classCount: 2, of: "net.onnx")
    }
    expectError(.badData, saying: "the label 'cat' is no class of net.onnx; nor is dog a class") {
      try boxes.check(Labels(["fox", "tabby cat"]), classCount: 2, of: "net.onnx")
    }
    expectError(.badData, saying: "the label 'cat' means the classes 1, 2") {
      try boxes.check(Labels(["dog", "cat", "cat"]), classCount: 3, of: "net.onnx")
    }
  }

  @Test func numbersAsLabels() throws {
    let boxes = try BoxFiles.read(
      #"{"a.png": [{"label": 1, "box": [0, 0, 9, 9]}, {"label": "0", "box": [0, 0, 9, 9]}]}"#, of: ["a.png"])
    #expect(try boxes.classes(in: "a.png", Labels([]), classCount: 2) == [1, 0])
    #expect(try boxes.classes(in: "a.png", Labels(["0", "1"]), classCount: 2) == [1, 0])
    // The class called 1 is another than the class with this number.
    expectError(.badData, saying: "the label '1' means the classes 1, 0") {
      try boxes.check(Labels(["1", "0"]), classCount: 2, of: "net")
    }
    expectError(.badData, saying: "the label '1' is no class of net", "classes are numbered 0 to 0") {
      try boxes.check(Labels([]), classCount: 1, of: "net")
    }
  }

  @Test func labelMaps() throws {
    let labels = Labels(["golden retriever", "tabby, tabby cat", "fox"])
    func classes(_ map: String...) throws -> [Int] {
      let boxes = try BoxFiles.read(Self.two, of: ["a.png"], labelMap: map)
      try boxes.check(labels, classCount: 3, of: "net")
      return try boxes.classes(in: "a.png", labels, classCount: 3)
    }
    #expect(try classes("dog=golden retriever", "cat=1") == [1, 0])
    #expect(try classes("dog=golden retriever", "cat=tabby, tabby cat") == [1, 0])
    #expect(try classes("dog=fox", "cat=fox") == [2])
    #expect(try classes("dog=fox", "cat=") == [2])
    #expect(try classes("dog=fox", "*=") == [2])
    #expect(try classes("dog=fox", "*=0") == [0, 2])
    for (map, words) in [
      (["dgo=fox"], "label-map 'dgo=fox': 'dgo' is no label of the boxes; did you mean 'dog'?"),
      (["elephant=fox"], "'elephant' is no label of the boxes; the labels are 'cat', 'dog'"), (["dog"], "has no '='"),
      (["dog=1", "dog=2"], "'dog' is given twice"),
      (["dog=fx", "cat=1"], "net: label-map 'dog=fx': 'fx' is not the label"),
      (["dog=9", "cat=1"], "net: label-map 'dog=9': '9' the model has 3 classes"),
    ] {
      expectError(.usage, saying: words) {
        try BoxFiles.read(Self.two, of: ["a.png"], labelMap: map).check(labels, classCount: 3, of: "net")
      }
    }
    expectError(.badData, saying: "all boxes are left out for net") { _ = try classes("*=") }
    expectError(.badData, saying: "holds no box of a.png") { _ = try classes("dog=", "cat=") }
  }
}
