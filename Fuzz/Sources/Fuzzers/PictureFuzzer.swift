@testable import GradCAM

/// Reads the size of a picture, then the picture, if it is not so large that decoding takes long for good reason.
func fuzzPicture(_ input: [UInt8]) throws {
  let codec = try ImageCodec.known(by: input), (width, height) = try codec.storedSize(input)
  _ = codec.orientation(input)
  guard Int(width).multipliedReportingOverflow(by: Int(height)).partialValue <= 1 << 20 else { return }
  let picture = try Picture(decoding: input)
  _ = try picture.resized(width: 8, height: 8)
}
