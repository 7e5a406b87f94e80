import CGradCAMPlugin
import Graph

/// The host's function table, as the interface describes it.
enum PluginHost {
  static let version = Int64(GRADCAM_ABI_VERSION)

  /// The table, which lives as long as the process.
  nonisolated(unsafe) static let table: UnsafePointer<gradcam_host> = {
    let table = UnsafeMutablePointer<gradcam_host>.allocate(capacity: 1)
    table.initialize(
      to: gradcam_host(
        size: MemoryLayout<gradcam_host>.size,
        fail: { call, status, message in
          PluginCall.from(call)?.fail(status, text(message)) ?? (status == GRADCAM_OK ? GRADCAM_FAILED : status)
        },
        log: { call, message in
          guard let source = PluginCall.from(call)?.source else { return }
          source.log("\(source.place): \(text(message))")
        },
        scratch: { PluginCall.from($0)?.scratch(byteCount: $1) },
        parallel_for: { call, count, body, context in
          guard let body else { return }
          guard let pool = PluginCall.from(call)?.pool else {
            for index in 0..<max(count, 0) { body(context, index, 0) }
            return
          }
          pool.parallelFor(count) { body(context, $0, $1) }
        },
        worker_count: { PluginCall.from($0)?.pool?.threadCount ?? 1 },
        attribute_int: { read($0, $1, $2) { try $0.int($1).map(Int64.init) } },
        attribute_float: { read($0, $1, $2) { try $0.float($1) } },
        attribute_string: { call, name, value in
          read(call, name, value) { reader, name in
            guard reader.has(name) else { return nil }
            let bytes = try reader.string(name, default: "").utf8CString
            return PluginCall.from(call)?.attributeMemory?.copy(Array(bytes))
          }
        },
        attribute_ints: { read($0, $1, $2, $3) { try $0.ints($1)?.map(Int64.init) } },
        attribute_floats: { read($0, $1, $2, $3) { try $0.floats($1) } },
        attribute_tensor: { call, name, value in
          read(call, name, value) { reader, name in
            try reader.tensor(name).flatMap { tensor in PluginCall.from(call)?.attributeMemory?.copy(tensor) }
          }
        },
        has_attribute: { PluginCall.from($0)?.attributes?.has(text($1)) == true ? 1 : 0 },
        opset_version: { Int64(clamping: PluginCall.from($0)?.attributes?.opset ?? 0) },
        set_output: { PluginCall.from($0)?.setOutput($1, elementType: $2, dimensions: $3, rank: $4) ?? GRADCAM_FAILED }
      ))
    return UnsafePointer(table)
  }()

  private static func text(_ message: UnsafePointer<CChar>?) -> String { message.map { String(cString: $0) } ?? "" }

  /// Reads an attribute into a variable of the plugin's, which stays unchanged if the node does not have it.
  private static func read<Value>(
    _ call: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<Value>?,
    _ read: (inout AttributeReader, String) throws -> Value?
  ) -> gradcam_status {
    guard let call = PluginCall.from(call) else { return GRADCAM_FAILED }
    guard call.attributes != nil, let name, let value else {
      return call.fail(GRADCAM_FAILED, "asks for an attribute outside its create function, or without a name")
    }
    do {
      if let found = try read(&call.attributes!, text(name)) { value.pointee = found }
      return GRADCAM_OK
    } catch let error as GradCAMError {
      return call.fail(error)
    } catch {
      return call.fail(GRADCAM_FAILED, "\(error)")
    }
  }

  /// Reads a list.
  private static func read<Element>(
    _ call: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ values: UnsafeMutablePointer<UnsafePointer<Element>?>?,
    _ count: UnsafeMutablePointer<Int>?, _ read: (inout AttributeReader, String) throws -> [Element]?
  ) -> gradcam_status {
    self.read(call, name, values) { reader, name in
      guard let list = try read(&reader, name) else { return nil }
      count?.pointee = list.count
      return PluginCall.from(call)?.attributeMemory?.copy(list)
    }
  }
}

extension PluginCall {
  fileprivate func setOutput(
    _ index: Int, elementType code: Int64, dimensions: UnsafePointer<Int64>?, rank: Int
  ) -> gradcam_status {
    guard let count = outputs?.count else { return fail(GRADCAM_FAILED, "sets an output outside its shape function") }
    guard (0..<count).contains(index) else {
      return fail(GRADCAM_FAILED, "its shape function sets output \(index) of a node that has \(count)")
    }
    guard let elementType = ElementType(onnxCode: Int(clamping: code)) else {
      return fail(GRADCAM_FAILED, "its shape function gives output \(index) the unknown element type \(code)")
    }
    guard (0...1024).contains(rank), dimensions != nil || rank == 0 else {
      return fail(GRADCAM_FAILED, "its shape function gives output \(index) the impossible rank \(rank)")
    }
    do {
      let extents = (0..<rank).map { Int(clamping: dimensions![$0]) }
      outputs![index] = ValueInfo(elementType, try Shape(checked: extents))
      return GRADCAM_OK
    } catch let error as GradCAMError {
      return fail(GRADCAM_FAILED, "its shape function is wrong about output \(index): \(error.problem)")
    } catch {
      return fail(GRADCAM_FAILED, "\(error)")
    }
  }
}
