import CJPEG

extension ImageCodec {
  static let jpeg = ImageCodec(
    name: "JPEG", extensions: ["jpg", "jpeg"], recognises: { $0.starts(with: [0xFF, 0xD8, 0xFF]) },
    storedSize: { try size(of: $0, "JPEG", gradcam_jpeg_size) },
    decode: { bytes in
      try decoded(bytes, size(of: bytes, "JPEG", gradcam_jpeg_size), "JPEG") {
        // Encoders make up to a dozen scans.
        gradcam_jpeg_decode($0, $1, $2, $3, $4, UInt64(16 * Picture.maximumPixelCount), $5)
      }
    },
    orientation: { ImageOrientation(ofJPEG: $0) },
    encode: { picture, quality, _, _ in
      try encoded("JPEG") {
        gradcam_jpeg_encode(
          picture.pixels, UInt32(picture.width), UInt32(picture.height), Int32(quality), $0, $1, $2)
      }
    })
}
