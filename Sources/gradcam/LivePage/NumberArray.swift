#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Numbers in a document: their shape, and their bytes in base64, float32 with the lowest byte first.
struct NumberArray: Codable {
  let shape: [Int]
  let data: String

  /// - Precondition: there are as many values as the shape says.
  init(_ values: [Float], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *))
    self.shape = shape
    data = values.withUnsafeBytes { Data($0) }.base64EncodedString()
  }
}

extension [UInt8] {
  /// The bytes in base64.
  var base64: String { Data(self).base64EncodedString() }

  /// The bytes of a base64 text; nil if it is none.
  init?(base64 text: String) {
    guard let data = Data(base64Encoded: text) else { return nil }
    self.init(data)
  }
}
