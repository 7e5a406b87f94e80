import COnnx
import Foundation
import Graph
import TestSupport
import Testing

@testable import ONNXLoader

@Suite struct TensorTests {
  @Test(arguments: ["types_raw.onnx", "types_typed.onnx"], ElementType.allCases)
  func everyType(fixture: String, type: ElementType) throws {
    let tensor = try #require(try load(fixture).value(type.rawValue).constant)
    #expect(tensor.elementType == type)
    #expect(tensor.shape == [2, 2])
    switch type {
    case .float32, .float16, .bfloat16, .float64: #expect(tensor.floats == [-1.5, 0, 0.25, 3])
    case .int8, .int16, .int32, .int64: #expect(tensor.integers == [-3, 0, 1, 100])
    case .uint8, .uint16, .uint32: #expect(tensor.integers == [0, 1, 100, 200])
    case .uint64: #expect(tensor.integers == [0, 1, 100, .max])
    case .bool: #expect(tensor.integers == [1, 0, 0, 1])
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
