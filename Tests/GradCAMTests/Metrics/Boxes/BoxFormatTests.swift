import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct BoxFormatTests {
  @Test(arguments: BoxFiles.formats.indices) func allFormatsSayTheSame(_ index: Int) throws {
    let (path, files) = BoxFiles.formats[index]
    let boxes = try BoxFiles.read(path, files)
    #expect(boxes.areThoseOfBoxFiles && boxes.warnings.isEmpty, "\(path): \(boxes)")
  }

  /// A single file of a format that has one for each picture.
  @Test func singleFiles() throws {
    for (path, files) in [("labels/a.xml", BoxFiles.voc), ("labels/a.txt", BoxFiles.yolo)] {
      let boxes = try BoxFiles.read(path, files, of: ["a.png"])
      #expect(boxes.objects(in: "a.png").map(\.label) == ["dog", "cat"])
    }
    let numbers = try BoxFiles.read("a.txt", ["a.txt": "5 0.5 0.5 1 1"], of: ["a.png"]).objects(in: "a.png")
    #expect(numbers.map(\.label) == ["5"] && numbers[0].box.size == BoxFiles.size)
  }

  @Test func picturesWithoutObjects() throws {
    for text in [
      #"{"a.png": [{"label": "dog", "box": [2, 3, 12, 8]}], "b.png": []}"#,
      "file,label,x,y,w,h\na.png,dog,2,3,4,5\nb.png,,,,,",
    ] { #expect(try BoxFiles.read(text).objects(in: "photos/b.png").isEmpty) }
  }

  @Test(arguments: [
    ("", "is empty"), (" \n", "is empty"), ("[]", "JSON list"), ("{", "line 1: the text ends too early"),
    (#"{"a.png": [{"label": "cat"}]}"#, "'a.png': box 1: has no box of four numbers"),
    (#"{"a.png": [{"label": "cat", "box": [1, 2, 3]}]}"#, "has no box of four numbers"),
    (#"{"a.png": [{"label": "cat", "box": [1, 2, "3", 4]}]}"#, "has no box of four numbers"),
    (#"{"a.png": [{"label": "cat", "box": [1, 2, 3, 4, 5]}]}"#, "has no box of four numbers"),
    (#"{"a.png": [{"label": "cat", "box": [4, 2, 3, 9]}]}"#, "[4, 2, 3, 9] is no box"),
    (#"{"a.png": [{"label": "cat", "box": [0, 0, 99999999999, 9]}]}"#, "[0, 0, 99999999999, 9] is no box"),
    (#"{"a.png": [{"label": "cat", "box": [0.1, 0.2, 0.5, 0.9]}]}"#, "are fractions of the picture"),
    (#"{"a.png": [{"label": "cat", "box": [0, 0, 9, 9], "score": 1}]}"#, "the field 'score' is not known"),
    (#"{"a.png": [{"lable": "cat", "box": [0, 0, 9, 9]}]}"#, "the field 'lable' is not known"),
    (#"{"a.png": [{"box": [0, 0, 9, 9]}]}"#, "has no label"), (#"{"a.png": {"label": "cat"}}"#, "is no list of boxes"),
    (#"{"a.png": [3]}"#, "box 1: is no object"), (#"{"": []}"#, "is no picture's name"),
    ("{\"a.png\": [],\n\"a.png\": []}", "line 2: the key 'a.png' occurs twice"),
    (#"{"a.png": [], "./a.png": []}"#, "the picture 'a.png' occurs twice"),
    (#"{"a.png": [{"label": "cat", "label": "dog", "box": [0, 0, 9, 9]}]}"#, "the key 'label' occurs twice"),
    (#"{"a.png": [],}"#, "line 1: is not JSON"), (#"{a.png: []}"#, "is not JSON"), (#"{'a.png': []}"#, "is not JSON"),
    (#"{"a.png": [{"label": "cat", "box": [0, 0, 09, 9]}]}"#, "is not JSON"), (#"{"a.png": []} x"#, "is not JSON"),
  ])
  func wrongJSON(_ text: String, words: String) {
    expectError(.badData, saying: "boxes.txt", words) { _ = try BoxFiles.read(text) }
  }

  private static let cocoFaults = [
    (#""annotations": ["#, #""annotated": ["#, "is COCO without a list 'annotations'"),
    (#""categories": ["#, #""categories": 3, "x": ["#, "is COCO without a list 'categories'"),
    (#""id": 18,"#, #""id": 17,"#, "category 17: has the id of another category"),
    (#"{"id": 17, "#, "{", "category number 1: has no 'id'"),
    (#""name": "cat""#, #""title": "cat""#, "category 17: has no 'name'"),
    (#""id": 8, "#, #""id": 7, "#, "image 7: has the id of another image"),
    (#""file_name": "b.png""#, #""name": "b.png""#, "image 8: has no 'file_name'"),
    (#""file_name": "b.png""#, #""file_name": "photos/a.png""#, "the picture 'photos/a.png' occurs twice"),
    (#""width": 20,"#, "", "image 7: 'width' and 'height' are no size"),
    (#""width": 20,"#, #""width": 40,"#, "are for a picture of 40x10 pixels, but photos/a.png is 20x10"),
    (#""image_id": 8"#, #""image_id": 9"#, "annotation 2: 'image_id' 9 is not in 'images'"),
    (#""category_id": 17"#, #""category_id": 19"#, "annotation 3: 'category_id' 19 is not in 'categories'"),
    (#""image_id": 8, "#, "", "annotation 2: has no 'image_id'"),
    ("\"bbox\": [10, 5, 10, 5]", "\"bbox\": [10, 5, 10]", "annotation 2: has no bbox of four numbers"),
    ("\"bbox\": [10, 5, 10, 5]", "\"bbox\": [10, 5, 0, 5]", "annotation 2: [10, 5, 10, 10] is no box"),
    ("\"bbox\": [10, 5, 10, 5]", "\"box\": [10, 5, 10, 5]", "annotation 2: has no bbox"),
    ("\"iscrowd\": 0", "\"bbox\": [2, 2, 3, 3]", "line 3: the key 'bbox' occurs twice"),
  ]

  @Test(arguments: cocoFaults) func wrongCOCO(_ old: String, _ new: String, words: String) {
    #expect(BoxFiles.coco.contains(old))
    expectError(.badData, saying: words) {
      _ = try BoxFiles.read(BoxFiles.coco.replacing(old, with: new, maxReplacements: 1))
    }
  }

  @Test(arguments: [
    ("a,b\n1,2", "line 1: is no heading with columns of pictures (picture, image, filename, file), and of labels"),
    ("a.png,1,2,3,4,dog", "line 1: is no heading"), ("picture,label,xmin,ymin,xmax\n", "with columns of boxes (xmin,"),
    ("picture,xmin,ymin,xmax,ymax\n", "with columns of labels (label, class, name)"),
    ("image,file,label,x,y,w,h\n", "the columns 'image', 'file' may all be those of pictures"),
    ("image,class,name,x,y,w,h\n", "the columns 'class', 'name' may all be those of labels"),
    ("image,label,x,y,w,h,left,top,right,bottom\n", "the columns give boxes twice"),
    ("image,label,x,y,w,h,h\n", "two columns have the same name"),
    ("image,label,x,y,w,h\na.png,dog,1,2,3", "line 2: does not have the 6 cells"),
    ("image,label,x,y,w,h\na.png,dog,1,2,3,4,5", "line 2: does not have the 6 cells"),
    ("image,label,x,y,w,h\n\na.png,dog,1,2,3,\"4", "line 3: does not have the 6 cells"),
    ("image,label,x,y,w,h\na.png,dog,1,2,3,4x", "line 2: '4x' is not a number"),
    ("image,label,x,y,w,h\na.png,dog,1,2,3,", "line 2: '' is not a number"),
    ("image,label,x,y,w,h\na.png,,1,2,3,4", "line 2: has no label"),
    ("image,label,x,y,w,h\n,dog,1,2,3,4", "names no picture"),
    ("image,label,x,y,w,h\na.png,dog,1,2,-3,4", "line 2: [1, 2, -2, 6] is no box"),
    ("image,label,x,y,w,h\na.png,dog,nan,2,3,4", "'nan' is not a number"),
    ("image,label,xmin,ymin,xmax,ymax\na.png,dog,0.1,0.2,0.3,0.4", "line 2: [0.1, 0.2, 0.3, 0.4] are fractions"),
    (
      "file,label,x1,y1,x2,y2,width,height\na.png,dog,1,2,3,4,9,9",
      "are for a picture of 9x9 pixels, but photos/a.png is"
    ),
    ("file,label,x1,y1,x2,y2,width,height\na.png,dog,1,2,3,4,9,", "width and height are no size"),
    (
      "file,label,x1,y1,x2,y2,width,height\na.png,a,1,2,3,4,20,10\na.png,a,1,2,3,4,9,9",
      "line 3: the size of 'a.png' is another"
    ),
  ])
  func wrongTables(_ text: String, words: String) {
    expectError(.badData, saying: words) { _ = try BoxFiles.read(text) }
  }

  @Test(arguments: [
    ("0 0.5 0.5 0.5", "labels/a.txt: line 1: is not a class's number"),
    ("0 1 1 1 1 1", "line 1: is not a class's number"),
    ("dog 0.5 0.5 0.5 0.5", "is not a class's number"), ("0 0.5 0.5 0.5 0.5\nx", "line 2: is not a class's"),
    ("0.5 0.5 0.5 0.5 0.5", "is not a class's number"), ("-1 0.5 0.5 0.5 0.5", "is not a class's number"),
    ("0 100 0.5 0.5 0.5", "are not fractions"), ("0 0.5 0.5 20 0.5", "are not fractions"),
    ("0 0.5 0.5 0 0.5", "are not fractions"), ("0 nan 0.5 0.1 0.5", "are not fractions"),
    ("2 0.5 0.5 0.5 0.5", "has the class 2, but "),
  ])
  func wrongYOLO(_ text: String, words: String) {
    expectError(.badData, saying: words) {
      _ = try BoxFiles.read("labels", BoxFiles.yolo.merging(["labels/a.txt": text]) { $1 })
    }
  }

  @Test(arguments: [
    ("annotation", "annotations", "it holds <annotations>, not <annotation>"),
    ("</name>", "", "line 9: <name> is ended by </object>"), ("<name>dog</name>", "", "line 6: <object> has no <name>"),
    ("<name>dog</name>", "<name/>", "line 6: has an empty <name>"),
    ("<name>dog</name>", "<name>dog</name><name>cat</name>", "line 6: <object> has several <name>"),
    ("<pose/>", "<bndbox/>", "<object> has several <bndbox>"), ("<xmin>3</xmin>", "", "line 7: <bndbox> has no <xmin>"),
    ("<xmin>3</xmin>", "<xmin>3px</xmin>", "'3px' is not a number"),
    ("<xmin>3<", "<xmin>33<", "[32, 3, 12, 8] is no box"),
    ("<width>20<", "<width>200<", "are for a picture of 200x10 pixels"),
    ("<filename>a.png<", "<filename>c.png</filename><filename>a.png<", "<annotation> has several <filename>"),
    ("<filename>a.png<", "<filename> <", "has an empty <filename>"),
    ("<annotation", "<!DOCTYPE a><annotation", "document type"),
    ("c&#97;t", "c&auml;t", "'&auml;' is not known"), ("c&#97;t", "c&t", "has a & that starts no reference"),
    ("hand -->", "hand", "a comment does not end"), ("=\"yes\"", "", "has an attribute without a value"),
    ("</annotation>", "", "<annotation> does not end"),
    ("</annotation>", "</annotation><annotation/>", "after the end of"),
  ])
  func wrongPascalVOC(_ old: String, _ new: String, words: String) throws {
    let text = try #require(BoxFiles.voc["labels/a.xml"])
    #expect(text.contains(old))
    // The end of a name that occurs twice as a tag.
    let damaged =
      old == "annotation"
      ? text.replacing(old, with: new)
      : old == "</name>"
        ? text.replacing("dog</name>", with: "dog") : text.replacing(old, with: new, maxReplacements: 1)
    expectError(.badData, saying: "labels/a.xml", words) {
      _ = try BoxFiles.read("labels", BoxFiles.voc.merging(["labels/a.xml": damaged]) { $1 })
    }
  }

  @Test func wrongFolders() {
    for (files, words) in [
      (["labels/notes.md": ""], "holds no .txt files of YOLO"),
      (["labels/a.txt": "", "labels/b.xml": ""], "holds files of Pascal VOC (b.xml) and texts (a.txt)"),
      (
        ["labels/a.xml": BoxFiles.voc["labels/a.xml"]!, "labels/b.xml": BoxFiles.voc["labels/a.xml"]!],
        "'a.png' occurs twice"
      ),
      (BoxFiles.yolo.merging(["labels/data.yaml": "names: [cat, dog]"]) { $1 }, "names other classes than"),
      (BoxFiles.yolo.merging(["labels/README.txt": "about"]) { $1 }, "README.txt: line 1: is not a class's number"),
    ] {
      expectError(.badData, saying: words) { _ = try BoxFiles.read("labels", files) }
    }
    expectError(.unreadable, saying: "cannot be opened") { _ = try BoxFiles.read("none", [:]) }
  }
}
