import Graph

extension NumberFile {
  /// Reads the samples of a TIFF file, as they are stored: its pages are the slices of a volume; or, with one sample a
  /// pixel, the channels of a picture.
  ///
  /// Throws `badData` if pages differ in size or in the number of samples, and what reading one throws.
  init(tiff bytes: [UInt8]) throws {
    let pages = try TIFFPage.all(of: bytes), first = pages[0]
    if let odd = pages.firstIndex(where: { $0.size != first.size || $0.samples != first.samples }) {
      throw GradCAMError(
        .badData, problem: "page \(odd + 1) has another size or number of samples than the first",
        advice: "save pages of one kind")
    }
    let places = first.size.count, count = first.samples * pages.count * places
    try MemoryLimit.check(8 * count)
    var values = [Float](repeating: 0, count: count)
    for (number, page) in pages.enumerated() {
      for (index, value) in try page.numbers().enumerated() {
        values[(index % first.samples * pages.count + number) * places + index / first.samples] = value
      }
    }
    self.init(
      shape: [first.samples, pages.count, first.size.height, first.size.width], values: values, order: .pages)
  }
}
