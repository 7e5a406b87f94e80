import CJPEG

extension ImageCodec {
  static let jpeg = ImageCodec(
    name: "JPEG", signature: [0xFF, 0xD8, 0xFF], extensions: ["jpg", "jpeg"],
    readSize: gradcam_jpeg_size,
    // Encoders make up to a dozen scans.
    decodePixels: { gradcam_jpeg_decode($0, $1, $2, $3, $4, UInt64(16 * Picture.maximumPixelCount), $5) },
    encodePixels: { gradcam_jpeg_encode($0, $1, $2, $3, $5, $6, $7) })
}
