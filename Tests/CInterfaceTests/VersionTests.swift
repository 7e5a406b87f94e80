import CGradCAM
import Testing

/// Programs made for an older or a newer header.
struct VersionTests {
  /// A struct of a later version: one field more.
  private struct LaterOptions {
    var options = gradcam_options()
    var more = 0
  }

  @Test func olderStructsSayLess() throws {
    var model: OpaquePointer?
    let status = "no such node".withCString { node in
      var options = gradcam_options()
      options.size = MemoryLayout<gradcam_options>.offset(of: \.node)!
      options.node = node
      return gradcam_open(shipped("shapes-vgg.onnx"), &options, &model)
    }
    try check(status)
    defer { gradcam_close(model) }
    var info = gradcam_model_info()
    info.size = MemoryLayout<gradcam_model_info>.offset(of: \.class_count)!
    info.class_count = 77
    try check(gradcam_get_model_info(model, &info))
    #expect(string(info.node) == "features.20" && info.width == 96 && info.class_count == 77)
  }

  @Test func newerStructsMustNotAskForWhatIsNotThere() throws {
    var model: OpaquePointer?, later = LaterOptions()
    func open() -> gradcam_status {
      withUnsafeBytes(of: &later) { bytes in
        gradcam_open(
          shipped("shapes-vgg.onnx"), bytes.assumingMemoryBound(to: gradcam_options.self).baseAddress, &model)
      }
    }
    later.options.size = MemoryLayout<LaterOptions>.size
    try check(open())
    gradcam_close(model)
    later.more = 1
    #expect(Int(open()) == GRADCAM_USAGE && model == nil)
    #expect(lastError.contains("has fields that this version, ") && lastError.contains("install the libgradcam"))
  }

  @Test func newerStructsAreFilledWithZeros() throws {
    let client = try Client()
    var info = (gradcam_model_info(), 5)
    info.0.size = MemoryLayout<(gradcam_model_info, Int)>.size
    try withUnsafeMutableBytes(of: &info) { bytes in
      try check(
        gradcam_get_model_info(client.model, bytes.assumingMemoryBound(to: gradcam_model_info.self).baseAddress))
    }
    #expect(info.0.class_count == 8 && info.1 == 0)
  }
}
