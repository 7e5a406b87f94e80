import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct NPYArrayTests {
  @Test(arguments: [
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "version2", "version3",
  ])
  func readsNumPyFiles(name: String) throws {
    let array = try ImagingFixture.array("npy-\(name)")
    #expect(array == NPYArray(shape: [2, 3], values: [0, 1, 2, 3, 100, 1]))
  }

  @Test func readsBooleans() throws {
    #expect(try ImagingFixture.array("npy-bool").values == [0, 1, 1, 1, 1, 1])
  }

  @Test func turnsColumnMajorToRowMajor() throws {
    let array = try ImagingFixture.array("npy-fortran")
    #expect(array == NPYArray(shape: [2, 3, 4], values: (0..<24).map { Float($0) }))
  }

  @Test func readsScalarsAndEmptyArrays() throws {
    #expect(try ImagingFixture.array("npy-scalar") == NPYArray(shape: [], values: [2.5]))
    #expect(try ImagingFixture.array("npy-empty") == NPYArray(shape: [0, 3], values: []))
  }

  @Test func writesTheBytesThatNumPyWrites() throws {
    try withTemporaryFolder { folder in
      for name in ["npy-float32", "npy-empty"] {
        try ImagingFixture.array(name).write(to: folder + "/out.npy")
        #expect(try contentsOfFile(at: folder + "/out.npy") == ImagingFixture.bytes(name + ".npy"))
      }
      let shapes = [[], [3], [1, 2, 3, 4]]
      for shape in shapes {
        let array = NPYArray(shape: shape, values: (0..<shape.reduce(1, *)).map { Float($0) / 3 })
        try array.write(to: folder + "/out.npy")
        #expect(try NPYArray(contentsOf: folder + "/out.npy") == array)
      }
    }
  }

  @Test(arguments: ["big-endian", "complex"])
  func otherElementsAreNamed(name: String) {
    let path = ImagingFixture.path("npy-\(name).npy")
    expectError(.unsupported, at: path, saying: name == "complex" ? "<c8" : ">f4", "float32") {
      _ = try NPYArray(contentsOf: path)
    }
  }

  @Test func everyCutIsAnError() throws {
    let bytes = try ImagingFixture.bytes("npy-float32.npy")
    for count in 0..<bytes.count {
      expectError(.badData, saying: ".npy") { _ = try NPYArray(decoding: Array(bytes[..<count])) }
    }
    expectError(.badData, saying: "25", "24") { _ = try NPYArray(decoding: bytes + [0]) }
  }

  @Test(
    arguments: [
      ("{}", .badData, "'descr'"), ("{'descr': '<f4'}", .badData, "'fortran_order'"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", .badData, "'-1'"),
      ("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (0,)}", .badData, "'fortran_order'"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", .badData, "'shape'"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", .badData, "too large"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (x,)}", .badData, "'x'"),
      ("{'descr': '<f4", .unsupported, "fields"),
      ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0,)}", .unsupported, "fields"),
    ] as [(String, GradCAMError.Kind, String)])
  func wrongHeadersAreErrors(header: String, kind: GradCAMError.Kind, words: String) {
    let bytes = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
    expectError(kind, saying: words) { _ = try NPYArray(decoding: bytes) }
  }
}
