@testable import GradCAM

/// Reads the size of a picture, then the picture, if it is not so large that decoding takes long for good reason.
func fuzzPicture(_ input: [UInt8]) throws {
  let codec = try ImageCodec.known(by: input), size = try codec.storedSize(input)
  _ = codec.orientation(input)
  let (count, isLarge) = size.width.multipliedReportingOverflow(by: size.height)
  guard !isLarge, count <= 1 << 20 else { return }
  let picture = try Picture(decoding: input)
  _ = try picture.resized(width: 8, height: 8)
}
