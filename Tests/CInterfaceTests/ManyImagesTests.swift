import CGradCAM
import Foundation
import Testing

/// Many images explained by one call.
struct ManyImagesTests {
  private let client: Client

  init() throws { client = try Client() }

  /// What one call makes of some files: the maps of each, or its error.
  private func ask(
    _ paths: [String], _ set: (inout gradcam_request) -> Void = { _ in }
  ) throws -> [Result<[[Float]], any Error>] {
    let names = paths.map { strdup($0)! }
    defer { names.forEach { free($0) } }
    let images = names.map { name in
      var image = gradcam_image()
      (image.size, image.path) = (MemoryLayout<gradcam_image>.size, UnsafePointer(name))
      return image
    }
    var request = gradcam_request()
    request.size = MemoryLayout<gradcam_request>.size
    set(&request)
    var lists = [OpaquePointer?](repeating: nil, count: paths.count)
    try images.withUnsafeBufferPointer { images in
      let pointers = images.indices.map { images.baseAddress! + $0 as UnsafePointer<gradcam_image>? }
      try check(gradcam_ask_many(client.model, pointers, pointers.count, &request, &lists))
    }
    return lists.map { list in
      defer { gradcam_close_explanations(list) }
      return Result {
        var count = 0
        try check(gradcam_count_explanations(list, &count))
        return try (0..<count).map { index in
          var explanation: OpaquePointer?
          try check(gradcam_get_explanation(list, index, &explanation))
          return try Made(explanation).map()
        }
      }
    }
  }

  @Test func mapsAreThoseOfOneImageAfterAnother() throws {
    let paths = (0..<9).map { shipped("samples/\(["pair-006-star-cross", "pair-000-square-star"][$0 % 2]).png") }
    let made = try ask(paths) { $0.top = 2 }
    for (path, maps) in zip(paths, made) {
      try client.run(path)
      let truth = try client.explain().map()
      let maps = try maps.get()
      #expect(maps.count == 2 && maps[0] == truth && maps[1] != truth)
    }
    #expect(try ask([]).isEmpty)
  }

  @Test func anImageThatCannotBeReadFailsAlone() throws {
    let good = shipped("samples/pair-006-star-cross.png")
    let made = try ask([good, "missing.png", good])
    #expect(try made[0].get() == made[2].get())
    let failure = #expect(throws: Failure.self) { try made[1].get() }
    #expect(failure?.code == gradcam_status(GRADCAM_UNREADABLE))
    #expect(failure?.description.contains("missing.png") ?? false)
    #expect(throws: Failure.self) { try "dog".withCString { name in try ask([good]) { $0.class_name = name } } }
  }

  @Test func progressMayEndTheWork() throws {
    let good = shipped("samples/pair-006-star-cross.png")
    let failure = #expect(throws: Failure.self) {
      try ask(Array(repeating: good, count: 20)) { $0.progress = { _, fraction in fraction > 0.2 ? 1 : 0 } }
    }
    #expect(failure?.code == gradcam_status(GRADCAM_CANCELLED))
  }

  @Test func wrongCallsAreErrors() throws {
    var lists: [OpaquePointer?] = [nil]
    #expect(gradcam_ask_many(client.model, nil, 1, nil, &lists) == gradcam_status(GRADCAM_USAGE))
    #expect(gradcam_ask_many(client.model, [nil], 1, nil, &lists) == gradcam_status(GRADCAM_USAGE))
    #expect(lastError.contains("images[0]") && lists == [nil])
    #expect(gradcam_ask_many(nil, nil, 0, nil, nil) == gradcam_status(GRADCAM_OK))
  }
}
