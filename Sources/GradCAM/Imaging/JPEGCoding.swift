import CJPEG

extension ImageCodec {
  static let jpeg = ImageCodec(
    name: "JPEG", signature: [0xFF, 0xD8, 0xFF], extensions: ["jpg", "jpeg"],
    readSize: gradcam_jpeg_size, decodePixels: gradcam_jpeg_decode, encodePixels: gradcam_jpeg_encode)
}
