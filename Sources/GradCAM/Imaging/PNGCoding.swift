import CPNG

extension ImageCodec {
  static let png = ImageCodec(
    name: "PNG", signature: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], extensions: ["png"],
    readSize: gradcam_png_size, decodePixels: gradcam_png_decode, encodePixels: gradcam_png_encode)
}
