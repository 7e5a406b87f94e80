import CPNG

extension ImageCodec {
  static let png = ImageCodec(
    name: "PNG", signature: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], extensions: ["png"],
    readSize: gradcam_png_size, decodePixels: gradcam_png_decode,
    encodePixels: { pixels, width, height, _, texts, bytes, count, message in
      PictureText.withC(texts) { gradcam_png_encode(pixels, width, height, $0, $0.count, bytes, count, message) }
    },
    // The bit depth in the header, after the width and the height.
    decodeDeepPixels: gradcam_png_decode_deep, isDeep: { $0[24] == 16 })
}
