import COnnx
import Foundation
import Graph
import TestSupport
import Testing

@testable import ONNXLoader

@Suite struct TensorTests {
  /// Types of at most 8 bits besides int8, uint8 and bool.
  private static let narrowTypes: [ElementType] =
    [.int2, .uint2, .int4, .uint4] + ElementType.allCases.filter { NarrowFloat($0) != nil }

  @Test(
    arguments: ["types_raw.onnx", "types_typed.onnx"], ElementType.allCases.filter { !narrowTypes.contains($0) })
  func everyWideType(fixture: String, type: ElementType) throws {
    let tensor = try #require(try load(fixture).value(type.rawValue).constant)
    #expect(tensor.elementType == type)
    #expect(tensor.shape == [2, 2])
    switch type {
    case .float32, .float16, .bfloat16, .float64: #expect(tensor.floats == [-1.5, 0, 0.25, 3])
    case .int8, .int16, .int32, .int64: #expect(tensor.integers == [-3, 0, 1, 100])
    case .uint8, .uint16, .uint32: #expect(tensor.integers == [0, 1, 100, 200])
    case .uint64: #expect(tensor.integers == [0, 1, 100, .max])
    case .bool: #expect(tensor.integers == [1, 0, 0, 1])
    case .string: #expect(tensor.texts == ["cat", "", "Dög", "cat"])
    default: Issue.record("no numbers for \(type)")
    }
  }

  @Test(arguments: narrowTypes) func everyNumberOfANarrowType(type: ElementType) throws {
    let graph = try load("narrow.onnx")
    let numbers = try #require(try graph.value("\(type)_numbers").constant?.floats)
    #expect(numbers.count == (1 << type.bitCount) - 1)
    for name in ["\(type)", "\(type)_typed"] {
      let tensor = try #require(try graph.value(name).constant)
      #expect(tensor.elementType == type && tensor.shape == [numbers.count])
      #expect(zip(tensor.floats, numbers).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }, "\(name)")
    }
  }

  /// Large tensors are decoded when they are read: once for good, or for one use.
  @Test func largeNarrowWeightsAreDecodedOnDemand() throws {
    let count = 140_001
    let packed = (0..<(count + 1) / 2).map { UInt8(truncatingIfNeeded: $0) }
    func varint(_ value: Int) -> [UInt8] {
      value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
    }
    let message = [0x08] + varint(count) + [0x10, 22, 0x4A] + varint(packed.count) + packed
    try withFile("weights.pb", message) { file in
      let tensor = try loadTensor(at: file).tensor
      #expect(tensor.elementType == .int4 && tensor.shape == [count])
      let once = tensor.storage.forOneUse
      #expect(once !== tensor.storage)
      #expect(Tensor(elementType: .int4, shape: [count], storage: once).integers == tensor.integers)
      #expect(tensor.storage.forOneUse === tensor.storage)
      // 0x18 at place 24: 8 is −8, then 1.
      #expect(tensor.integers[48...49] == [-8, 1])
      #expect(tensor.integers.last == Int64(packed.last! & 7) - Int64(packed.last! & 8))
    }
  }

  @Test func largeWeightsStayInTheFile() throws {
    let file = try MappedFile(path: path("large.onnx"))
    #expect(try WeightScan.rewrite(file.bytes, as: messageDescriptor(onnx__model_proto__init)).count < 1000)
    let tensor = try #require(try load("large.onnx").value("w").constant)
    // Memory of our own is aligned; this weight lies at an odd place in its file.
    #expect(Int(bitPattern: tensor.storage.base) % 64 != 0)
    #expect(tensor.floats == (0..<(128 * 129)).map(Float.init))
  }

  @Test func smallWeightsAreAligned() throws {
    for value in try load("types_raw.onnx").values {
      guard let tensor = value.constant else { continue }
      #expect(Int(bitPattern: tensor.storage.base) % 64 == 0)
    }
  }

  @Test func externalData() throws {
    let graph = try load("external.onnx")
    #expect(try graph.value("a").constant?.floats == [0, 1, 2, 3, 4, 5])
    #expect(try graph.value("b").constant?.floats == [6, 7, 8, 9, 10, 11])
  }

  @Test func externalDataThroughASymbolicLink() throws {
    let manager = FileManager.default
    try withFile("real.data", [UInt8](repeating: 0, count: 48)) { data in
      try withFile("model.onnx", try Data(contentsOf: fixtures.appending(path: "external.onnx"))) { model in
        let link = URL(filePath: model).deletingLastPathComponent().appending(path: "external.onnx.data")
        try manager.createSymbolicLink(atPath: link.path, withDestinationPath: data)
        expectError(.badData, at: model, saying: "data file 'external.onnx.data'", "outside the folder") {
          _ = try loadModel(at: model)
        }
        try manager.removeItem(at: link)
        try manager.copyItem(atPath: data, toPath: model + ".real")
        try manager.createSymbolicLink(atPath: link.path, withDestinationPath: "model.onnx.real")
        #expect(try loadModel(at: model).value("b").constant?.floats == [0, 0, 0, 0, 0, 0])
      }
    }
  }

  /// A model and its data file that are links to one folder, as in the cache of Hugging Face.
  @Test func externalDataOfALinkedModel() throws {
    let manager = FileManager.default
    try withFile("blob-of-data", try Data(contentsOf: fixtures.appending(path: "external.onnx.data"))) { data in
      let folder = URL(filePath: data).deletingLastPathComponent()
      let snapshot = folder.appending(path: "snapshot")
      try manager.copyItem(at: fixtures.appending(path: "external.onnx"), to: folder.appending(path: "blob-of-model"))
      try manager.createDirectory(at: snapshot, withIntermediateDirectories: false)
      for (name, blob) in [("model.onnx", "blob-of-model"), ("external.onnx.data", "blob-of-data")] {
        try manager.createSymbolicLink(
          atPath: snapshot.appending(path: name).path, withDestinationPath: "../\(blob)")
      }
      let model = snapshot.appending(path: "model.onnx").path
      #expect(try loadModel(at: model).value("b").constant?.floats == [6, 7, 8, 9, 10, 11])
    }
  }

  @Test func externalDataOfAModelInTheWorkingDirectory() throws {
    let data = ExternalData(modelPath: "model.onnx")
    expectError(.unreadable, at: "data file 'no such file'") {
      _ = try data.bytes(["location": "no such file"], byteCount: 4)
    }
  }

  @Test func noElements() throws {
    #expect(try load("no_elements.onnx").value("w").constant?.shape == [0, 3])
  }

  @Test func tensorFile() throws {
    let (name, tensor) = try loadTensor(at: path("tensor.pb"))
    #expect(name == "some tensor")
    #expect(tensor.floats == [0, 1, 2, 3, 4, 5])
    #expect(tensor.shape == [2, 3])
  }
}
