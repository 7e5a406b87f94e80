import CPNG
import Graph

extension ImageCodec {
  static let png = ImageCodec(
    name: "PNG", extensions: ["png"],
    recognises: { $0.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) },
    storedSize: { try size(of: $0, "PNG", gradcam_png_size) },
    decode: { bytes in
      let size = try size(of: bytes, "PNG", gradcam_png_size)
      // The bit depth in the header, after the width and the height.
      guard bytes[24] == 16 else { return try decoded(bytes, size, "PNG", gradcam_png_decode) }
      let samples: [UInt16] = try samples(of: bytes, size, "PNG", gradcam_png_decode_deep)
      return Picture(width: size.width, height: size.height, deepSamples: samples)
    },
    encode: { picture, _, texts, pool in
      try encoded("PNG") { bytes, count, message in
        PictureText.withC(texts) {
          gradcam_png_encode(
            picture.pixels, UInt32(picture.width), UInt32(picture.height), $0, $0.count, loop,
            Unmanaged.passUnretained(pool).toOpaque(), bytes, count, message)
        }
      }
    })
}

/// Runs a loop of the encoder on a pool.
private let loop: GradCAMPNGLoop = { pool, count, work, state in
  nonisolated(unsafe) let state = state
  Unmanaged<ThreadPool>.fromOpaque(pool!).takeUnretainedValue().parallelFor(count) { index, _ in work!(state, index) }
}
