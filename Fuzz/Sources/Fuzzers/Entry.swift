import Foundation
import Graph

/// What the program fuzzes, by the end of the name that it is called by: `fuzz-model` and so on.
enum Fuzzer: String {
  case model, picture, archive, npy, numbers, metadata, labels, boxes, log, plugin, request

  static let chosen: Fuzzer = {
    let name = CommandLine.arguments.first ?? ""
    guard let fuzzer = Fuzzer(rawValue: name.split(separator: "-").last.map(String.init) ?? "") else {
      fatalError("\(name) is not the name of a fuzzer")
    }
    return fuzzer
  }()

  /// Does with an input what the program would; throws what it would report.
  func run(_ input: [UInt8]) throws {
    switch self {
    case .model: try fuzzModel(input)
    case .picture: try fuzzPicture(input)
    case .archive: try fuzzArchive(input)
    case .npy: try fuzzNPY(input)
    case .numbers: try fuzzNumbers(input)
    case .metadata: try fuzzMetadata(input)
    case .labels: try fuzzLabels(input)
    case .boxes: try fuzzBoxes(input)
    case .log: try fuzzLog(input)
    case .plugin: try fuzzPlugin(input)
    case .request: try fuzzRequest(input)
    }
  }
}

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  do {
    try Fuzzer.chosen.run(Array(UnsafeBufferPointer(start: data, count: size)))
  } catch let error as GradCAMError where error.kind != .defect {
    // Its text is made of what the file holds.
    _ = error.description
  } catch {
    fatalError("\(error)")
  }
  return 0
}

/// The folder of this process's files.
enum FuzzFolder {
  static let path: String = {
    let parent = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let path = "\(parent)/gradcam-fuzz-\(getpid())"
    mkdir(path, 0o700)
    atexit { try? FileManager.default.removeItem(atPath: FuzzFolder.path) }
    return path
  }()

  /// Writes a file; one that is mapped still keeps its contents.
  static func write(_ bytes: [UInt8], to name: String) -> String {
    let path = "\(path)/\(name)"
    unlink(path)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(file >= 0, "\(path) cannot be written")
    defer { close(file) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      precondition(count > 0, "\(path) cannot be written")
      rest = rest.dropFirst(count)
    }
    return path
  }
}
