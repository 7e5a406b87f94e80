import Graph

extension BoxAnnotations {
  /// Reads the file of a picture: `<annotation>` with `<filename>` and an `<object>` for each box.
  ///
  /// Its pixels are counted from 1, and the right and the bottom one belong to the box.
  /// - Parameter folder: the folder of the file, as far as it is part of the picture's name; empty or with a slash at its
  ///   end.
  mutating func readPascalVOC(_ text: String, _ path: String, in folder: String = "") throws {
    let root = try located(path) { try XMLTree(text) }
    guard root.name == "annotation" else {
      throw GradCAMError.boxes(
        at: path, "is XML, but not Pascal VOC: it holds <\(root.name)>, not <annotation>", Self.formats)
    }
    let file = try Self.only("filename", of: root, path, isNeeded: false)?.text
    let name =
      if let file { PictureName(folder + Self.split(file).file) } else {
        PictureName(folder + Self.split(path).file)?.stem
      }
    guard let name else { throw GradCAMError.boxes(at: path, "has an empty <filename>") }
    var picture = Picture(name: name, place: path)
    if let size = try Self.only("size", of: root, path, isNeeded: false) {
      let width = try Self.number("width", of: size, path), height = try Self.number("height", of: size, path)
      // Some programs write 0 for a size that they do not know.
      if width != 0 || height != 0 {
        guard let width = Int(exactly: width), let height = Int(exactly: height), width > 0, height > 0 else {
          throw GradCAMError.boxes(at: "\(path): line \(size.line)", "<size> is no size in pixels")
        }
        picture.size = PixelSize(width: width, height: height)
      }
    }
    for object in root.children(named: "object") {
      let place = "\(path): line \(object.line)"
      let label = try Self.only("name", of: object, path)!.text, box = try Self.only("bndbox", of: object, path)!
      guard !label.isEmpty else { throw GradCAMError.boxes(at: place, "has an empty <name>") }
      let numbers = try ["xmin", "ymin", "xmax", "ymax"].map { try Self.number($0, of: box, path) }
      let edges = try located(place) {
        try BoxEdges(left: numbers[0] - 1, top: numbers[1] - 1, right: numbers[2], bottom: numbers[3])
      }
      picture.objects.append(Object(label: label, edges: edges, place: place))
    }
    try add(picture)
  }

  /// The only child with a name.
  ///
  /// Nil if there is none and none is needed.
  private static func only(_ name: String, of element: XMLTree, _ path: String, isNeeded: Bool = true) throws
    -> XMLTree?
  {
    let found = element.children(named: name)
    guard found.count == 1 || found.isEmpty && !isNeeded else {
      throw GradCAMError.boxes(
        at: "\(path): line \(element.line)", "<\(element.name)> has \(found.isEmpty ? "no" : "several") <\(name)>")
    }
    return found.first
  }

  private static func number(_ name: String, of element: XMLTree, _ path: String) throws -> Double {
    let child = try only(name, of: element, path)!
    guard let number = Double(child.text) else {
      throw GradCAMError.boxes(at: "\(path): line \(child.line)", "'\(child.text)' is not a number")
    }
    return number
  }
}
