/// A document with keys, all of which are known.
protocol StrictlyDecodable: Decodable {
  associatedtype CodingKeys: CodingKey & CaseIterable
}

/// A document that is an error if it has any other key, such as a misspelt one.
struct Strict<Body: StrictlyDecodable>: Decodable {
  let body: Body

  init(from decoder: any Decoder) throws {
    let known = Body.CodingKeys.allCases.map(\.stringValue)
    let found = try decoder.container(keyedBy: FoundKey.self).allKeys
    if let unknown = found.first(where: { !known.contains($0.stringValue) }) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath + [unknown],
          debugDescription: "is no key here; the keys are \(known.joined(separator: ", "))"))
    }
    body = try Body(from: decoder)
  }
}

/// A key in a document.
private struct FoundKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
