import Graph

extension BoxAnnotations {
  /// Reads `{"PICTURE": [{"label": "NAME", "box": [left, top, right, bottom]}]}`, or COCO.
  mutating func readJSON(_ text: String, _ path: String) throws {
    let value = try located(path) { try LiteralValue(json: text) }
    guard let map = value.map else { throw GradCAMError.boxes(at: path, "is not a JSON object", Self.formats) }
    if Self.cocoLists.contains(where: { map[$0] != nil }) {
      try readCOCO(map, path)
    } else {
      for (name, value) in map.sorted(by: { $0.key < $1.key }) { try readPicture(name, value, path) }
    }
  }

  private mutating func readPicture(_ name: String, _ value: LiteralValue, _ path: String) throws {
    let place = "\(path): '\(name)'"
    guard let pictureName = PictureName(name) else { throw GradCAMError.boxes(at: place, "is no picture's name") }
    guard let entries = value.list else {
      throw GradCAMError.boxes(at: place, "is no list of boxes", Self.formats)
    }
    var picture = Picture(name: pictureName, place: place)
    for (number, entry) in entries.enumerated() {
      picture.objects.append(try Self.object(entry, "\(place): box \(number + 1)"))
    }
    try add(picture)
  }

  private static func object(_ entry: LiteralValue, _ place: String) throws -> Object {
    let fields = ["label", "box"]
    guard let map = entry.map else {
      throw GradCAMError.boxes(at: place, "is no object with a label and a box", formats)
    }
    if let unknown = map.keys.filter({ !fields.contains($0) }).min() {
      throw GradCAMError.boxes(at: place, "the field '\(unknown)' is not known", "the fields are label and box")
    }
    guard let label = map["label"]?.name else {
      throw GradCAMError.boxes(at: place, "has no label", "give the name or number of a class")
    }
    let box = try numbers(map["box"], "box", "[left, top, right, bottom]", place)
    let edges = try located(place) { try BoxEdges(left: box[0], top: box[1], right: box[2], bottom: box[3]) }
    return Object(label: label, edges: edges, place: place)
  }

  /// The four numbers of a box.
  private static func numbers(
    _ value: LiteralValue?, _ name: String, _ form: String, _ place: String
  ) throws -> [Double] {
    guard let numbers = value?.list?.compactMap(\.number), numbers.count == 4, value?.list?.count == 4 else {
      throw GradCAMError.boxes(at: place, "has no \(name) of four numbers", "give \(form)")
    }
    return numbers
  }
}

// MARK: COCO

extension BoxAnnotations {
  private static let cocoLists = ["images", "annotations", "categories"]

  /// Reads the lists `images`, `annotations` and `categories` of COCO; boxes are x, y, width and height.
  private mutating func readCOCO(_ map: [String: LiteralValue], _ path: String) throws {
    let lists = try Self.cocoLists.map { name in
      guard let list = map[name]?.list else { throw GradCAMError.boxes(at: path, "is COCO without a list '\(name)'") }
      return list
    }
    var labels: [String: String] = [:], found: [String: Int] = [:], pictures: [Picture] = []
    for (number, category) in lists[2].enumerated() {
      let (id, place) = try Self.identity(category, "category", number, path)
      let name = try Self.text(category, "name", place)
      guard labels.updateValue(name, forKey: id) == nil else {
        throw GradCAMError.boxes(at: place, "has the id of another category")
      }
    }
    for (number, image) in lists[0].enumerated() {
      let (id, place) = try Self.identity(image, "image", number, path)
      let file = try Self.text(image, "file_name", place)
      guard let name = PictureName(file) else { throw GradCAMError.boxes(at: place, "has an empty file_name") }
      guard found.updateValue(pictures.count, forKey: id) == nil else {
        throw GradCAMError.boxes(at: place, "has the id of another image")
      }
      pictures.append(Picture(name: name, place: place, size: try Self.size(image, place)))
    }
    for (number, annotation) in lists[1].enumerated() {
      let (_, place) = try Self.identity(annotation, "annotation", number, path, isNeeded: false)
      func referred<Value>(_ field: String, _ known: [String: Value], _ list: String) throws -> Value {
        guard let id = annotation[field]?.name else { throw GradCAMError.boxes(at: place, "has no '\(field)'") }
        guard let value = known[id] else {
          throw GradCAMError.boxes(at: place, "'\(field)' \(id) is not in '\(list)'")
        }
        return value
      }
      let box = try Self.numbers(annotation["bbox"], "bbox", "[x, y, width, height]", place)
      let edges = try located(place) {
        try BoxEdges(left: box[0], top: box[1], right: box[0] + box[2], bottom: box[1] + box[3])
      }
      let label = try referred("category_id", labels, "categories")
      pictures[try referred("image_id", found, "images")].objects.append(
        Object(label: label, edges: edges, place: place))
    }
    for picture in pictures { try add(picture) }
  }

  /// The id of an entry, and its place as messages say it.
  private static func identity(
    _ entry: LiteralValue, _ kind: String, _ number: Int, _ path: String, isNeeded: Bool = true
  ) throws -> (id: String, place: String) {
    let id = entry["id"]?.name
    let place = "\(path): \(id.map { "\(kind) \($0)" } ?? "\(kind) number \(number + 1)")"
    guard entry.map != nil, id != nil || !isNeeded else { throw GradCAMError.boxes(at: place, "has no 'id'") }
    return (id ?? "", place)
  }

  private static func text(_ entry: LiteralValue, _ field: String, _ place: String) throws -> String {
    guard let text = entry[field]?.name else { throw GradCAMError.boxes(at: place, "has no '\(field)'") }
    return text
  }

  private static func size(_ image: LiteralValue, _ place: String) throws -> PixelSize? {
    guard image["width"] != nil || image["height"] != nil else { return nil }
    guard let width = image["width"]?.integer, let height = image["height"]?.integer, width > 0, height > 0 else {
      throw GradCAMError.boxes(at: place, "'width' and 'height' are no size", "give both in pixels, or none")
    }
    return PixelSize(width: width, height: height)
  }
}
