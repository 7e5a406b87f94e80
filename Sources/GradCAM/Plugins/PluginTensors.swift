import CGradCAMPlugin
import Graph

/// Memory lent to a plugin; it lives as long as this object.
final class PluginMemory: @unchecked Sendable {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { block.deallocate() } }

  func copy<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
    let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
    copy.initialize(from: elements, count: elements.count)
    blocks.append(copy)
    return UnsafePointer(copy)
  }

  func copy(_ tensor: Tensor) -> UnsafePointer<gradcam_tensor> {
    var described = describe(ValueInfo(tensor.elementType, tensor.shape))
    let byteCount = tensor.shape.count * tensor.elementType.storage.byteCount
    let contents = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
    contents.copyMemory(from: tensor.storage.base, byteCount: byteCount)
    blocks.append(contents)
    described.setContents(contents, tensor.elementType.storage)
    return copy([described])
  }

  /// A tensor without contents.
  func describe(_ info: ValueInfo) -> gradcam_tensor {
    var tensor = gradcam_tensor()
    tensor.size = MemoryLayout<gradcam_tensor>.size
    tensor.element_type = Int64(info.elementType.onnxCode)
    tensor.rank = info.shape.rank
    tensor.dimensions = copy(info.shape.dimensions.map(Int64.init))
    tensor.count = info.shape.count
    return tensor
  }
}

extension gradcam_tensor {
  /// Says where the elements lie.
  fileprivate mutating func setContents(_ memory: UnsafeMutableRawPointer?, _ storage: ElementType.Storage) {
    switch storage {
    case .float32: floats = memory?.assumingMemoryBound(to: Float.self)
    case .int64: integers = memory?.assumingMemoryBound(to: Int64.self)
    case .bool: booleans = memory?.assumingMemoryBound(to: UInt8.self)
    case .string: break
    }
  }
}

/// The tensors of a node in the form of the interface; the addresses of their elements are set call by call.
final class PluginTensors: Sendable {
  let count: Int
  private let memory = PluginMemory()
  // Never written after initialisation.
  private nonisolated(unsafe) let tensors: [gradcam_tensor?]
  private let storages: [ElementType.Storage]

  /// Describes values; nil stands for an omitted one.
  init(_ infos: [ValueInfo?]) {
    let memory = self.memory
    count = infos.count
    tensors = infos.map { $0.map(memory.describe) }
    storages = infos.map { $0?.elementType.storage ?? .float32 }
  }

  /// Lends the tensors.
  ///
  /// - Parameters:
  ///   - isLeftOut: whether a tensor without contents is omitted.
  ///   - contents: where the elements of each lie; nil if they are not given.
  func lend<Result>(
    leavingOutEmpty isLeftOut: Bool = false, contents: (Int) -> UnsafeRawPointer?,
    _ body: (UnsafePointer<UnsafePointer<gradcam_tensor>?>) throws -> Result
  ) rethrows -> Result {
    try withUnsafeTemporaryAllocation(of: gradcam_tensor.self, capacity: count + 1) { lent in
      try withUnsafeTemporaryAllocation(of: UnsafePointer<gradcam_tensor>?.self, capacity: count + 1) { pointers in
        for index in 0..<count {
          let memory = contents(index)
          guard var tensor = tensors[index], memory != nil || !isLeftOut else {
            pointers.initializeElement(at: index, to: nil)
            continue
          }
          tensor.setContents(UnsafeMutableRawPointer(mutating: memory), storages[index])
          lent.initializeElement(at: index, to: tensor)
          pointers.initializeElement(at: index, to: UnsafePointer(lent.baseAddress! + index))
        }
        return try body(UnsafePointer(pointers.baseAddress!))
      }
    }
  }
}
