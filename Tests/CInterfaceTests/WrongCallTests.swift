import CGradCAM
import Foundation
import Testing

/// Wrong calls are errors with a text, never the end of the process.
struct WrongCallTests {
  private func expect(_ status: gradcam_status, _ code: Int, _ text: String, _ place: SourceLocation = #_sourceLocation)
  {
    #expect(Int(status) == code, "\(lastError)", sourceLocation: place)
    #expect(lastError.contains(text), "\(lastError)", sourceLocation: place)
  }

  private func open(_ path: String, _ set: (inout gradcam_options) -> Void = { _ in }) -> gradcam_status {
    var model = OpaquePointer(bitPattern: 1), options = gradcam_options()
    options.size = MemoryLayout<gradcam_options>.size
    set(&options)
    let status = gradcam_open(path, &options, &model)
    #expect(model == nil)
    return status
  }

  private static let network = shipped("shapes-resnet.onnx")

  @Test func modelsThatCannotBeOpened() throws {
    expect(open("missing/model.onnx"), GRADCAM_UNREADABLE, "missing/model.onnx: cannot be opened")
    expect(open("model"), GRADCAM_UNREADABLE, "neither it nor")
    expect(open(""), GRADCAM_UNREADABLE, "cannot be opened")
    expect(open(sample), GRADCAM_BAD_DATA, "is a picture, not an ONNX model")
    expect(open(shipped("samples")), GRADCAM_UNREADABLE, "is a folder")
    for (text, part) in [
      ("layer9", "node 'layer9': no node, tensor or module has this name"), ("layer9", "gradcam_get_node lists them"),
      ("", "node: the name is empty"),
    ] {
      expect(text.withCString { text in open(Self.network) { $0.node = text } }, GRADCAM_USAGE, part)
    }
    "vivid".withCString { text in
      expect(
        open(Self.network) { $0.preset = text }, GRADCAM_USAGE, "preset: 'vivid' is not known; choose from imagenet")
      expect(open(Self.network) { $0.layout = text }, GRADCAM_USAGE, "choose from nchw, nhwc")
      expect(open(Self.network) { $0.labels = text }, GRADCAM_UNREADABLE, "vivid: cannot be opened")
      expect(open("model") { $0.models = text }, GRADCAM_UNREADABLE, "vivid/model.onnx")
      expect(open(Self.network) { $0.output = text }, GRADCAM_USAGE, "output 'vivid': the model has no such output")
    }
    expect(open(Self.network) { $0.threads = -1 }, GRADCAM_USAGE, "threads: is -1")
    expect(open(Self.network) { $0.width = 32 }, GRADCAM_USAGE, "width and height: are 32 and 0")
    expect(open(Self.network) { ($0.width, $0.height) = (32, 32) }, GRADCAM_USAGE, "takes 96x96")
    expect(open(Self.network) { $0.size = 0 }, GRADCAM_USAGE, "begins with the size 0")
    expect(open(Self.network) { $0.size = .max }, GRADCAM_USAGE, "set its field 'size'")
  }

  @Test func nullPointers() throws {
    let client = try Client(), model = client.model
    var opened: OpaquePointer?, made: OpaquePointer?
    expect(gradcam_open(nil, nil, &opened), GRADCAM_USAGE, "argument 'path': is NULL")
    expect(gradcam_open(Self.network, nil, nil), GRADCAM_USAGE, "argument 'model': is NULL")
    expect(gradcam_get_model_info(nil, nil), GRADCAM_USAGE, "argument 'model': is NULL")
    expect(gradcam_get_model_info(model, nil), GRADCAM_USAGE, "argument 'info': is NULL")
    expect(gradcam_get_label(model, 0, nil), GRADCAM_USAGE, "argument 'label': is NULL")
    expect(gradcam_get_node(model, 0, nil), GRADCAM_USAGE, "argument 'node': is NULL")
    expect(gradcam_run(model, nil), GRADCAM_USAGE, "argument 'image': is NULL")
    expect(gradcam_explain(model, nil, nil), GRADCAM_USAGE, "argument 'explanation': is NULL")
    expect(gradcam_explain(nil, nil, &made), GRADCAM_USAGE, "argument 'model': is NULL")
    expect(gradcam_get_explanation_info(nil, nil), GRADCAM_USAGE, "argument 'explanation': is NULL")
    try client.run(sample)
    expect(gradcam_classify(model, nil, 1, nil), GRADCAM_USAGE, "argument 'classes': is NULL")
    var one = gradcam_class()
    expect(gradcam_classify(model, &one, -1, nil), GRADCAM_USAGE, "argument 'capacity': is")
    let explanation = try client.explain()
    expect(gradcam_copy_heat(explanation.handle, nil, 1 << 20), GRADCAM_USAGE, "argument 'values': is NULL")
    expect(gradcam_draw(explanation.handle, nil, nil, 1 << 20), GRADCAM_USAGE, "argument 'pixels': is NULL")
    gradcam_close(nil)
    gradcam_close_explanation(nil)
  }

  @Test func handlesThatAreClosedOrOfAnotherKind() throws {
    let client = try Client()
    try client.run(sample)
    let made = try client.explain(), model = client.model
    var info = gradcam_model_info()
    info.size = MemoryLayout<gradcam_model_info>.size
    expect(gradcam_get_model_info(made.handle, &info), GRADCAM_USAGE, "is closed, or was never open")
    expect(gradcam_get_model_info(OpaquePointer(bitPattern: 8), &info), GRADCAM_USAGE, "was never open")
    gradcam_close(made.handle)
    gradcam_close(model)
    gradcam_close(model)
    expect(gradcam_get_model_info(model, &info), GRADCAM_USAGE, "argument 'model': is closed")
    #expect(try made.heat().max() ?? 0 > 0.99)
    gradcam_close_explanation(made.handle)
    expect(gradcam_copy_map(made.handle, nil, 0), GRADCAM_USAGE, "argument 'explanation': is closed")
  }

  @Test func imagesThatDoNotFit() throws {
    let client = try Client()
    func run(_ set: (inout gradcam_image) -> Void) -> gradcam_status { status(of: client, set) }
    let bytes = [UInt8](repeating: 0, count: 12), floats = [Float](repeating: 0, count: 12)
    bytes.withUnsafeBufferPointer { bytes in
      func run(_ width: Int32, _ height: Int32, _ stride: Int = 0) -> gradcam_status {
        status(of: client) { ($0.pixels, $0.width, $0.height, $0.stride) = (bytes.baseAddress, width, height, stride) }
      }
      expect(run(0, 2), GRADCAM_USAGE, "width and height: are 0 and 2")
      expect(run(2, -2), GRADCAM_USAGE, "both must be positive")
      expect(run(.max, .max), GRADCAM_USAGE, "their product at most")
      expect(run(2, 2, 5), GRADCAM_USAGE, "stride: is 5, less than the 6 bytes of a row")
      expect(run(2, 2, -1), GRADCAM_USAGE, "stride: is")
    }
    floats.withUnsafeBufferPointer { floats in
      expect(
        run { ($0.tensor, $0.tensor_count) = (floats.baseAddress, 12) }, GRADCAM_USAGE,
        "tensor_count: is 12, but the model takes 1×3×96×96, 27648 elements")
      sample.withCString { path in
        expect(
          run { ($0.tensor, $0.path) = (floats.baseAddress, path) }, GRADCAM_USAGE, "several of path, bytes, pixels")
      }
    }
    expect(run { _ in }, GRADCAM_USAGE, "none of path, bytes, pixels and tensor")
    expect("missing.png".withCString { path in run { $0.path = path } }, GRADCAM_UNREADABLE, "missing.png: cannot")
    expect(Self.network.withCString { path in run { $0.path = path } }, GRADCAM_UNSUPPORTED, "no picture of a format")
    var made: OpaquePointer?
    expect(gradcam_explain(client.model, nil, &made), GRADCAM_USAGE, "was not run on an image; call gradcam_run")
    expect(gradcam_classify(client.model, nil, 0, nil), GRADCAM_USAGE, "was not run on an image")
  }

  /// What comes of running an image.
  private func status(of client: Client, _ set: (inout gradcam_image) -> Void) -> gradcam_status {
    var image = gradcam_image()
    image.size = MemoryLayout<gradcam_image>.size
    set(&image)
    return gradcam_run(client.model, &image)
  }

  @Test func whatDoesNotExist() throws {
    let client = try Client()
    try client.run(sample)
    func explain(_ set: (inout gradcam_request) -> Void) -> gradcam_status {
      var request = gradcam_request(), made = OpaquePointer(bitPattern: 1)
      request.size = MemoryLayout<gradcam_request>.size
      set(&request)
      defer { #expect(made == nil) }
      return gradcam_explain(client.model, &request, &made)
    }
    "stra".withCString { name in
      expect(explain { $0.method = name }, GRADCAM_USAGE, "method 'stra': is not a method")
      expect(explain { $0.class_name = name }, GRADCAM_USAGE, "class_name 'stra': is not the label")
    }
    expect("8".withCString { name in explain { $0.class_name = name } }, GRADCAM_USAGE, "the model has 8 classes")
    expect(explain { $0.concept_number = 2 }, GRADCAM_USAGE, "concept_number: is 2; use 1 to 1")
    expect(explain { $0.concept_number = -1 }, GRADCAM_USAGE, "concept_number: is -1")
    var label: UnsafePointer<CChar>?, node = gradcam_node()
    node.size = MemoryLayout<gradcam_node>.size
    expect(gradcam_get_label(client.model, 8, &label), GRADCAM_USAGE, "the model has 8 classes")
    expect(gradcam_get_label(client.model, -1, &label), GRADCAM_USAGE, "use 0 to 7")
    let count = try client.info.node_count
    expect(
      gradcam_get_node(client.model, 4000, &node), GRADCAM_USAGE,
      "argument 'index': is 4000, but there are \(count) nodes; use 0 to \(count - 1)")
    let made = try client.explain()
    expect(gradcam_get_warning(made.handle, 99, nil, nil), GRADCAM_USAGE, "is 99, but there are")
    var values = [Float](repeating: 0, count: 10), pixels = [UInt8](repeating: 0, count: 10)
    expect(gradcam_copy_heat(made.handle, &values, 10), GRADCAM_USAGE, "argument 'capacity': is 10, but")
    expect(gradcam_copy_map(made.handle, &values, -1), GRADCAM_USAGE, "argument 'capacity': is -1, but")
    expect(gradcam_draw(made.handle, nil, &pixels, 10), GRADCAM_USAGE, "argument 'capacity': is 10, but")
    var drawing = gradcam_drawing()
    drawing.size = MemoryLayout<gradcam_drawing>.size
    drawing.blend = .nan
    expect(gradcam_draw(made.handle, &drawing, &pixels, 10), GRADCAM_USAGE, "blend: is nan; use 0 to 1")
    #expect(values.allSatisfy { $0 == 0 } && pixels.allSatisfy { $0 == 0 })
  }
}
