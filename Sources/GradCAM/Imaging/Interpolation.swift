/// How pictures are resized: by Pillow's filters, or as OpenCV does.
public enum Interpolation: String, Sendable, CaseIterable {
  /// The pixel under the centre.
  case nearest
  /// The mean of the pixels covered.
  case box
  /// A triangle.
  case bilinear
  /// A window of two pixels on both sides.
  case hamming
  /// Keys's cubic convolution with a = −½.
  case bicubic
  /// Lanczos's window of three pixels on both sides.
  case lanczos
  /// OpenCV's `INTER_LINEAR`: four neighbours, whatever the scale.
  case opencv

  /// The filter of a number of Pillow's `Image.Resampling`; nil if there is none.
  init?(pillow number: Int) {
    let numbered: [Interpolation] = [.nearest, .lanczos, .bilinear, .bicubic, .box, .hamming]
    guard numbered.indices.contains(number) else { return nil }
    self = numbered[number]
  }
}
