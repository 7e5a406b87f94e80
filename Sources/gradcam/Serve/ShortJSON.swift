/// A text of a request that is looked up among names: at most 4,096 bytes, since looking up takes longer the longer it is.
struct ShortText: Decodable {
  static let limit = 4096
  let text: String

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    text = try container.decode(String.self)
    guard text.utf8.count <= Self.limit else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "is longer than \(Self.limit) bytes")
    }
  }
}

/// A list of a request: at most 256 elements, none of which is read if there are more.
struct ShortList<Element: Decodable>: Decodable {
  static var limit: Int { 256 }
  let elements: [Element]

  init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    guard (container.count ?? 0) <= Self.limit else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "has more than \(Self.limit) elements"))
    }
    var elements: [Element] = []
    while !container.isAtEnd { elements.append(try container.decode(Element.self)) }
    self.elements = elements
  }
}
