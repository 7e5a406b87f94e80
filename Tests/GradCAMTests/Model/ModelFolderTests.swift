import Foundation
import GradCAM
import Graph
import Testing

struct ModelFolderTests {
  private let place: URL
  private let folder: ModelFolder

  init() throws {
    place = FileManager.default.temporaryDirectory.appending(path: "gradcam-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    for name in ["vgg19.onnx", "resnet50.onnx", "resnet50.json", "notes.txt", ".hidden.onnx", "onnx"] {
      try Data().write(to: place.appending(path: name))
    }
    folder = ModelFolder(place.path)
  }

  private func error(_ name: String, in folder: ModelFolder) throws -> GradCAMError {
    try #require(throws: GradCAMError.self) { try folder.resolve(name) }
  }

  @Test func namesAreThoseOfExportedFiles() throws {
    defer { try? FileManager.default.removeItem(at: place) }
    #expect(try folder.names() == ["resnet50", "vgg19"])
  }

  @Test func namesMeanFilesWithAndWithoutExtension() throws {
    defer { try? FileManager.default.removeItem(at: place) }
    #expect(try folder.resolve("vgg19") == place.path + "/vgg19.onnx")
    #expect(try folder.resolve("vgg19.onnx") == place.path + "/vgg19.onnx")
    #expect(try ModelFolder(place.path + "/").resolve("vgg19") == place.path + "/vgg19.onnx")
  }

  @Test func pathsMeanThemselves() throws {
    defer { try? FileManager.default.removeItem(at: place) }
    for path in [place.path + "/vgg19.onnx", place.path + "/missing.onnx", "./vgg19", "", "/"] {
      #expect(try folder.resolve(path) == path)
    }
  }

  @Test func whatIsNowhereIsAnErrorWithTheNearestNames() throws {
    defer { try? FileManager.default.removeItem(at: place) }
    let misspelt = try error("vgg-19", in: folder)
    #expect(misspelt.kind == .unreadable)
    #expect(misspelt.description.hasPrefix("vgg-19: cannot be opened: neither it nor \(place.path)/vgg-19.onnx exists"))
    #expect(misspelt.description.contains("near are vgg19; the models folder lists the names"))
    #expect(try error("NET5", in: folder).description.contains("near are resnet50;"))
    let foreign = try error("something-else-entirely", in: folder)
    #expect(foreign.advice == "\(listing: .models) lists the names")
  }

  @Test func aFolderThatIsMissingIsAnErrorThatSaysHowToNameOne() throws {
    try FileManager.default.removeItem(at: place)
    #expect(try error("vgg19", in: folder).description.contains("models or GRADCAM_MODELS"))
    let listing = try #require(throws: GradCAMError.self) { try folder.names() }
    #expect(listing.kind == .unreadable && listing.place.map(\.description) == [place.path])
  }
}
