/// An optional value that is `null` in JSON if it is nil, so that scripts always find the same keys.
@propertyWrapper
struct Nullable<Value> {
  var wrappedValue: Value?

  init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }
}

extension Nullable: Encodable where Value: Encodable {
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}

extension Nullable: Decodable where Value: Decodable {
  init(from decoder: any Decoder) throws {
    wrappedValue = try decoder.singleValueContainer().decode(Value?.self)
  }
}

extension Nullable: Equatable where Value: Equatable {}

extension Nullable: Sendable where Value: Sendable {}
