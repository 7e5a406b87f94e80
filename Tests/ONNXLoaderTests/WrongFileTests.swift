import Foundation
import Graph
import TestSupport
import Testing

@testable import ONNXLoader

@Suite struct WrongFileTests {
  @Test(arguments: [
    ("attribute_empty", GradCAMError.Kind.badData, "node 'relu' (Relu): attribute 'a': has no value"),
    ("attribute_twice", .badData, "node 'relu' (Relu): attribute 'a': appears twice"),
    ("cycle", .badData, "cycle: node 'one' (Add, #1), node 'three' (Relu, #3), node 'two' (Relu, #2)"),
    ("dangling", .badData, "node 'add' (Add): reads tensor 'ghost', which nothing computes"),
    ("dangling_output", .badData, "graph output: reads tensor 'ghost', which nothing computes"),
    ("dimension_negative", .badData, "tensor 'w': the shape "),
    ("dimension_overflow", .badData, "tensor 'w': the shape "),
    ("dimension_declared", .badData, "tensor 'x': the shape "),
    ("dimension_overflow_zero", .badData, "tensor 'w': the shape "),
    ("external_absolute", .badData, "data file '/etc/passwd': lies outside the folder of the model"),
    ("external_escape", .badData, "data file '../ONNXLoaderTests.swift': lies outside the folder of the model"),
    ("external_length", .badData, "tensor 'a': takes 24 bytes, but 20"),
    ("external_missing", .unreadable, "data file 'nowhere.data': cannot be opened"),
    ("external_overflow", .badData, "needs 24 bytes at 9223372036854775800 of data file"),
    ("external_short", .badData, "needs 24 bytes at 32 of data file 'external.onnx.data', which has 48"),
    ("external_unnamed", .badData, "none is named"),
    ("function_default", .badData, "node 'y/z' (test.Default): the function calls itself"),
    ("function_recursive", .badData, "node 'y' (test.Loop): the function calls itself"),
    ("function_doubling", .unsupported, "more than 100,000 nodes"),
    ("no_opset", .badData, "names no opset version"),
    ("subgraph_cycle", .badData, "cycle: node 'if' (If, #0)"),
    ("subgraph_dangling", .badData, "attribute 'else_branch': node 'i' (Add): reads tensor 'early'"),
    ("twice", .badData, "node 'again' (Relu): tensor 'y' is defined a second time"),
    ("wrong_count", .badData, "tensor 'w': holds 5 values of float32 where shape 2×3 needs 6"),
    ("wrong_length", .badData, "tensor 'w': holds 20 bytes where float32 of shape 2×3 needs 24"),
  ])
  func wrongModels(fixture: String, kind: GradCAMError.Kind, text: String) {
    let file = path(fixture + ".onnx")
    expectError(kind, at: file, saying: text) { _ = try loadModel(at: file) }
  }

  @Test(arguments: [
    ("", "an empty file"),
    ("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ("PK\u{03}\u{04}\u{00}\u{00}archive/data.pkl", "a zip archive"),
    ("\u{1C}\u{00}\u{00}\u{00}TFL3\u{00}", "a TensorFlow Lite model"),
    ("ir_version: 8\ngraph { }", "is text"),
    ("<!DOCTYPE html>", "is text"),
  ])
  func otherKindsOfFile(contents: String, kind: String) throws {
    try withFile("model.onnx", contents.utf8) { file in
      expectError(.badData, at: file, saying: kind) { _ = try loadModel(at: file) }
    }
  }

  @Test(arguments: [
    ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] as [UInt8], "a picture"),
    ([0xFF, 0xD8, 0xFF, 0xE0], "a picture"),
    ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an HDF5 file"),
    ([0x08, 0x08], "holds no graph"),
    // A graph twice, a group, a field numbered 0, a varint without an end.
    ([0x3A, 0x00, 0x3A, 0x00], "'graph' appears twice"),
    ([0x0B], "damaged at byte 0"),
    ([0x02, 0x01, 0x41], "damaged at byte 0"),
    ([UInt8](repeating: 0x80, count: 11), "damaged at byte 0"),
    // A graph of 2^63 bytes.
    ([0x3A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], "damaged at byte 0"),
  ])
  func otherBytes(contents: [UInt8], problem: String) throws {
    try withFile("model.onnx", contents) { file in
      expectError(.badData, at: file, saying: problem) { _ = try loadModel(at: file) }
    }
  }

  @Test func unopenableFiles() {
    for file in [path("no such model.onnx"), fixtures.path, "/dev/null"] {
      expectError(.unreadable, at: file) { _ = try loadModel(at: file) }
    }
  }

  @Test func nestingIsBounded() throws {
    // A graph whose node has an attribute that holds a graph, 40 times over.
    var message: [UInt8] = []
    func wrap(_ tag: UInt8) {
      message = [tag, UInt8(message.count & 0x7F | 0x80), UInt8(message.count >> 7)] + message
    }
    for _ in 0..<40 {
      wrap(0x32)
      wrap(0x2A)
      wrap(0x0A)
    }
    wrap(0x3A)
    try withFile("model.onnx", message) { file in
      expectError(.badData, at: file, saying: "nested more than 64") { _ = try loadModel(at: file) }
    }
  }

  @Test(arguments: ["functions.onnx", "types_typed.onnx", "metadata.onnx"])
  func filesCutShort(fixture: String) throws {
    let contents = try Data(contentsOf: fixtures.appending(path: fixture))
    try withFile("model.onnx", contents) { file in
      for count in 0..<contents.count {
        try contents.prefix(count).write(to: URL(filePath: file))
        expectGraphOrError(file, "first \(count) bytes of \(fixture)")
      }
    }
  }

  @Test(arguments: [
    "functions.onnx", "subgraph.onnx", "types_typed.onnx", "types_raw.onnx", "attributes.onnx", "sparse.onnx",
    "external.onnx", "metadata.onnx",
  ])
  func damagedFiles(fixture: String) throws {
    let contents = try Data(contentsOf: fixtures.appending(path: fixture))
    var random = SplitMix64(seed: 1)
    try withFile("model.onnx", contents) { file in
      for round in 0..<250 {
        var damaged = contents
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        try damaged.write(to: URL(filePath: file))
        expectGraphOrError(file, "\(fixture), round \(round)")
      }
    }
  }

  private func expectGraphOrError(_ file: String, _ what: String) {
    do {
      _ = try loadModel(at: file)
    } catch let error as GradCAMError {
      #expect(!error.problem.isEmpty)
    } catch {
      Issue.record("\(what): \(error)")
    }
  }
}
