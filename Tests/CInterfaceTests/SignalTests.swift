import CGradCAM
import GradCAM
import TestSupport
import Testing

/// Inputs that are no pictures, for a program in C.
@Suite struct SignalTests {
  private func client(_ name: String, node: String? = nil) throws -> Client {
    try Client("../Tests/GradCAMTests/Fixtures/signals/\(name)", node: node)
  }

  private func numbers(_ count: Int) -> [Float] { (0..<count).map { Float($0 * 7 % 23) / 11 - 1 } }

  private func array(_ made: Made, _ kind: Int) throws -> (values: [Float], shape: [Int]) {
    var array = gradcam_array()
    try check(gradcam_get_array(made.handle, Int32(kind), &array))
    let shape = withUnsafeBytes(of: array.shape) { bytes in
      (0..<Int(array.rank)).map { Int(bytes.bindMemory(to: Int64.self)[$0]) }
    }
    return (Array(UnsafeBufferPointer(start: array.values, count: shape.reduce(1, *))), shape)
  }

  /// The length is that of the array, whose first dimension may be missing.
  @Test func signalsHaveAnyLength() throws {
    let client = try client("ecg"), info = try client.info
    #expect((info.axes, info.depth, info.height, info.channels) == (1, 1, 1, 12))
    for (length, leaves) in [(96, false), (50, true)] {
      let values = numbers(12 * length), shape = (leaves ? [] : [1]) + [12, Int64(length)]
      try values.withUnsafeBufferPointer { values in
        try shape.withUnsafeBufferPointer { shape in
          try client.run {
            ($0.tensor, $0.tensor_count) = (values.baseAddress, values.count)
            ($0.tensor_shape, $0.tensor_rank) = (shape.baseAddress, Int32(shape.count))
          }
        }
      }
      let made = try client.explain { $0.concept_number = 0 }, info = try made.info
      #expect((info.axes, Int(info.width), info.height, info.depth) == (1, length, 1, 1))
      #expect(try array(made, GRADCAM_HEAT).shape == [length])
      #expect(try array(made, GRADCAM_MAP).shape == [(length + 7) / 8])
      #expect(try array(made, GRADCAM_ACTIVATION).shape == [8, (length + 7) / 8])
      let whole = try client.explain(), heat = try whole.heat()
      #expect(heat.count == length && heat.allSatisfy { (0...1).contains($0) })
    }
  }

  @Test func volumesHaveADepth() throws {
    let client = try client("film"), info = try client.info
    #expect((info.axes, info.depth, info.height, info.width) == (3, 4, 16, 14))
    let values = numbers(3 * 4 * 16 * 14)
    try values.withUnsafeBufferPointer { values in
      try client.run { ($0.tensor, $0.tensor_count) = (values.baseAddress, values.count) }
    }
    let made = try client.explain(), result = try made.info
    #expect((result.depth, result.height, result.width, result.map_depth) == (4, 16, 14, 2))
    let heat = try array(made, GRADCAM_HEAT)
    #expect(heat.shape == [4, 16, 14])
    var copied = [Float](repeating: -1, count: heat.values.count)
    try check(gradcam_copy_heat(made.handle, &copied, copied.count))
    #expect(copied == heat.values)
    // The sheet of slices, with what surrounds it untouched.
    var drawing = gradcam_drawing(),
      pixels = [UInt8](repeating: 7, count: 3 * Int(result.drawn_width * result.drawn_height))
    drawing.size = MemoryLayout<gradcam_drawing>.size
    #expect(result.drawn_width > 200 && result.drawn_height > 200)
    try check(gradcam_draw(made.handle, &drawing, &pixels, pixels.count))
    #expect(Set(pixels).count > 50)
    #expect(gradcam_draw(made.handle, &drawing, &pixels, pixels.count - 1) == GRADCAM_USAGE)
  }

  @Test func sizesHaveADepthAndVolumesAxes() throws {
    let path = shipped("../Tests/GradCAMTests/Fixtures/signals/volume.onnx")
    let scan = shipped("../Tests/GradCAMTests/Fixtures/numbers/nifti2.nii.gz")
    var options = gradcam_options(), maps: [[Float]] = []
    options.size = MemoryLayout<gradcam_options>.size
    (options.width, options.height, options.depth) = (12, 10, 6)
    for axes in ["xyz", "zyx"] {
      var model: OpaquePointer?
      let code = axes.withCString { axes in
        options.axes = axes
        return gradcam_open(path, &options, &model)
      }
      try check(code)
      let client = Client(model), info = try client.info
      #expect((info.axes, info.width, info.height, info.depth) == (3, 12, 10, 6))
      try client.run(scan)
      let made = try client.explain(), result = try made.info
      let expected: (Int32, Int32, Int32) = axes == "xyz" ? (4, 3, 5) : (5, 3, 4)
      #expect((result.depth, result.height, result.width) == expected)
      maps.append(try array(made, GRADCAM_HEAT).values)
    }
    #expect(maps[0] != maps[1])
    (options.depth, options.axes) = (-1, nil)
    var model: OpaquePointer?
    #expect(gradcam_open(path, &options, &model) == GRADCAM_USAGE && lastError.contains("width, height and depth"))
  }

  @Test func filesOfNumbersAndChannelsAreRead() throws {
    let client = try client("segments")
    try client.run(shipped("../Tests/GradCAMTests/Fixtures/numbers/stereo16.wav"))
    let made = try "1".withCString { name in try client.explain { $0.class_name = name } }
    let info = try made.info
    #expect((Int(info.width), info.axes) == (9, 1))
    var drawing = gradcam_drawing(),
      pixels = [UInt8](repeating: 0, count: 3 * Int(info.drawn_width * info.drawn_height))
    drawing.size = MemoryLayout<gradcam_drawing>.size
    try check(gradcam_draw(made.handle, &drawing, &pixels, pixels.count))
    let both = pixels
    try [Int32(2)].withUnsafeBufferPointer { show in
      (drawing.show, drawing.show_count, drawing.rate) = (show.baseAddress, 1, 100)
      try check(gradcam_draw(made.handle, &drawing, &pixels, pixels.count))
    }
    #expect(pixels != both)
    try [Int32(3)].withUnsafeBufferPointer { show in
      drawing.show = show.baseAddress
      #expect(gradcam_draw(made.handle, &drawing, &pixels, pixels.count) == GRADCAM_USAGE)
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let client = try client("ecg"), values = numbers(24)
    for (shape, code) in [
      ([1, 2, 12], GRADCAM_BAD_DATA), ([1, 12, 3], GRADCAM_USAGE), ([-1, 24], GRADCAM_BAD_DATA),
      ([Int.max, 2], GRADCAM_BAD_DATA),
    ] {
      var image = gradcam_image()
      image.size = MemoryLayout<gradcam_image>.size
      let status = values.withUnsafeBufferPointer { values in
        shape.map { Int64($0) }.withUnsafeBufferPointer { shape in
          (image.tensor, image.tensor_count) = (values.baseAddress, values.count)
          (image.tensor_shape, image.tensor_rank) = (shape.baseAddress, Int32(shape.count))
          return gradcam_run(client.model, &image)
        }
      }
      #expect(status == code, "\(shape): \(String(cString: gradcam_last_error()))")
    }
  }
}
