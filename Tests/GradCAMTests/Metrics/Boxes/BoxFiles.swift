import Foundation
import Graph

@testable import GradCAM

/// Files of boxes for two pictures of 20 × 10 pixels.
enum BoxFiles {
  static let pictures = ["photos/a.png", "photos/b.png"]
  static let size = PixelSize(width: 20, height: 10)

  /// What every file of `formats` says.
  static let objects: [[(label: String, box: PixelRectangle)]] = [
    [
      ("dog", PixelRectangle(x: 2, y: 3, width: 10, height: 5)),
      ("cat", PixelRectangle(x: 0, y: 0, width: 5, height: 5)),
    ],
    [("dog", PixelRectangle(x: 10, y: 5, width: 10, height: 5))],
  ]

  static let json = """
    {"a.png": [{"label": "dog", "box": [2, 3, 12, 8]}, {"label": "cat", "box": [0, 0, 5, 5]}],
     "b.png": [{"label": "dog", "box": [10, 5, 20, 10]}]}
    """

  static let coco = """
    {"info": {"year": 2026, "note": "\\u0061 \\"set\\""},
     "images": [{"id": 7, "file_name": "photos/a.png", "width": 20, "height": 10}, {"id": 8, "file_name": "b.png"}],
     "annotations": [{"id": 1, "image_id": 7, "category_id": 18, "bbox": [2.2, 2.9, 10.1, 5.0], "iscrowd": 0,
                      "segmentation": [[2.2, 2.9, 12.3, 2.9]]},
                     {"id": 2, "image_id": 8, "category_id": 18, "bbox": [10, 5, 10, 5]},
                     {"id": 3, "image_id": 7, "category_id": 17, "bbox": [0, 0, 5, 5]}],
     "categories": [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog", "supercategory": "animal"}]}
    """

  static let corners = """
    filename,width,height,class,xmin,ymin,xmax,ymax
    a.png,20,10,dog,2,3,12,8
    b.png,20,10,"dog",10,5,20,10

    ./a.png,20,10,cat,0,0,5,5
    """

  static let extents =
    "Image\tLabel\tX\tY\tWidth\tHeight\r\na.png\tdog\t2\t3\t10\t5\r\na.png\tcat\t0\t0\t5\t5\r\n"
    + "b.png\tdog\t10\t5\t10\t5\r\n"

  static let semicolons = """
    picture;left;top;right;bottom;label;note
    a.png;2;3;12;8;dog;"a ""good"" one"
    b.png;10;5;20;10;dog;
    a.png;0;0;5;5;cat;x
    """

  static let voc = [
    "labels/a.xml": """
    <?xml version="1.0" encoding="UTF-8"?>
    <!-- made by hand -->
    <annotation verified="yes">
      <folder>photos</folder><filename>a.png</filename><path>C:\\photos\\a.png</path>
      <size><width>20</width><height>10</height><depth>3</depth></size>
      <object><name>dog</name><pose/><difficult>0</difficult>
        <bndbox><xmin>3</xmin><ymin>4</ymin><xmax>12</xmax><ymax>8</ymax></bndbox>
        <part><name>head</name><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></part>
      </object>
      <object><name>c&#97;t</name><bndbox><ymin>1</ymin><xmin>1</xmin><xmax>5</xmax><ymax>5.0</ymax></bndbox></object>
    </annotation>
    """,
    "labels/b.xml": """
    <annotation><size><width>0</width><height>0</height></size>
      <object><bndbox><xmin>11</xmin><ymin>6</ymin><xmax>20</xmax><ymax>10</ymax></bndbox><name><![CDATA[dog]]></name></object>
    </annotation>
    """,
  ]

  static let yolo = [
    "labels/a.txt": "0 0.35 0.55 0.5 0.5\n1 0.125 0.25 0.25 0.5\n", "labels/b.txt": "0 0.75 0.75 0.5 0.5",
    "labels/classes.txt": "dog\ncat\n",
  ]

  static let yoloWithYAML = [
    "labels/a.txt": "0 0.35 0.55 0.5 0.5\n1 0.125 0.25 0.25 0.5\n", "labels/b.txt": "0 0.75 0.75 0.5 0.5",
    "data.yaml": "train: images\nnc: 2\nnames: ['dog', 'cat']\n",
  ]

  /// The files of each format, the first of which or whose folder is given.
  static let formats: [(path: String, files: [String: String])] = [
    ("boxes.json", ["boxes.json": json]), ("coco.json", ["coco.json": coco]), ("a.csv", ["a.csv": corners]),
    ("b.tsv", ["b.tsv": extents]), ("c.txt", ["c.txt": semicolons]), ("labels", voc), ("labels/", yolo),
    ("labels", yoloWithYAML),
  ]

  /// Reads boxes from files in a folder of their own.
  static func read(
    _ path: String, _ files: [String: String], of pictures: [String] = pictures, labelMap: [String] = [],
    size: @escaping (String) -> PixelSize? = { _ in BoxFiles.size }
  ) throws -> ObjectBoxes {
    try withTemporaryFolder { folder in
      for (name, text) in files {
        let file = URL(filePath: folder + "/" + name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
      return try ObjectBoxes(
        contentsOf: folder + "/" + path, of: pictures, labelMap: LabelMap(labelMap), size: size)
    }
  }

  /// Reads boxes from a file.
  static func read(_ text: String, of pictures: [String] = pictures, labelMap: [String] = []) throws -> ObjectBoxes {
    try read("boxes.txt", ["boxes.txt": text], of: pictures, labelMap: labelMap)
  }
}

extension ObjectBoxes {
  /// Whether these are the objects of `BoxFiles`.
  var areThoseOfBoxFiles: Bool {
    zip(BoxFiles.pictures, BoxFiles.objects).allSatisfy { picture, objects in
      let found = self.objects(in: picture)
      return found.count == objects.count && zip(found, objects).allSatisfy { $0.label == $1.label && $0.box == $1.box }
    }
  }
}
