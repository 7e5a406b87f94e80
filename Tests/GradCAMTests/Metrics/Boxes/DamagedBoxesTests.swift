import Graph
import Testing

@testable import GradCAM

/// A damaged file of JSON, COCO or Pascal VOC gives an error, a warning, or the same boxes. (Lines of tables and of YOLO can
/// be lost, or be about another picture, without a trace.)
@Suite struct DamagedBoxesTests {
  /// Whether a file is damaged without anyone noticing.
  private func changesSilently(_ text: [UInt8], _ path: String, _ file: String, _ files: [String: String]) -> Bool {
    var files = files
    files[file] = String(decoding: text, as: UTF8.self)
    guard let boxes = try? BoxFiles.read(path, files), boxes.warnings.isEmpty,
      (try? boxes.check(Labels(["cat", "dog"]), classCount: 2, of: "model")) != nil
    else { return false }
    return !boxes.areThoseOfBoxFiles
  }

  /// What a damage may turn into another number or label that a file could as well hold.
  private static let contents = Set("0123456789.+-eE \tx".utf8)

  @Test(arguments: [0, 1, 5]) func damaged(_ index: Int) throws {
    let (path, files) = BoxFiles.formats[index]
    for (file, text) in files.sorted(by: { $0.key < $1.key }) {
      let bytes = Array(text.utf8)
      for place in bytes.indices {
        // Cut off: only the last number of a file without an end can be another without a trace.
        let cut = Array(bytes[..<place])
        let isInNumber =
          Self.contents.contains(bytes[place]) || bytes[place...].allSatisfy { [0x0A, 0x0D].contains($0) }
        let endsInRow = !file.hasSuffix(".json") && !file.hasSuffix(".xml") && isInNumber
        #expect(endsInRow || !changesSilently(cut, path, file, files), "\(file) cut off at \(place)")
        guard !Self.contents.contains(bytes[place]) else { continue }
        var less = bytes
        less.remove(at: place)
        #expect(!changesSilently(less, path, file, files), "\(file) without \(place)")
        var more = bytes
        more.insert(bytes[place], at: place)
        #expect(!changesSilently(more, path, file, files), "\(file) with \(place) twice")
        for byte in Array("]\",<\n".utf8) + [0xFF] where byte != bytes[place] {
          var other = bytes
          other[place] = byte
          #expect(!changesSilently(other, path, file, files), "\(file): \(byte) at \(place)")
        }
      }
    }
  }
}
