import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Sounds and volumes, as scipy and nibabel read them.
@Suite struct NumberFileTests {
  private func read(_ name: String, axes: NumberFile.VolumeAxes = .xyz) throws -> NumberFile {
    try NumberFile(contentsOf: fixture("numbers/\(name)"), axes: axes)
  }

  private func truth(_ name: String) throws -> NPYArray { try NPYArray(contentsOf: fixture("numbers/\(name).npy")) }

  @Test(
    arguments: [
      ("stereo16.wav", 500), ("mono8.wav", 8000), ("mono32.wav", 8000), ("float32.wav", 8000), ("float64.wav", 8000),
      ("extensible24.wav", 44_100),
    ])
  func soundsAreChannelsOfSamples(name: String, rate: Double) throws {
    let file = try read(name), truth = try truth(name)
    #expect(file.shape == truth.shape && file.order == .signal && file.source.rate == rate)
    expectClose(file.values, truth.values, within: 1e-7, name)
  }

  @Test(
    arguments: ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"].map {
      "\($0).nii"
    } + ["scaled.nii.gz", "channels.nii", "big-endian.nii", "nifti2.nii.gz", "nifti2-big-endian.nii"])
  func volumesAreInNibabelsOrder(name: String) throws {
    let file = try read(name), truth = try truth(name)
    #expect(file.shape == [1, 1, 1, 1].prefix(4 - truth.shape.count) + truth.shape && file.order == .volume)
    expectClose(file.values, truth.values, within: 1e-6, name)
    let reversed = try read(name, axes: .zyx)
    #expect(reversed.shape == [file.shape[0]] + file.shape.dropFirst().reversed())
    let (x, y, z) = (file.shape[1], file.shape[2], file.shape[3])
    #expect(reversed.values[((z - 1) * y + 1) * x + 2] == file.values[(2 * y + 1) * z + z - 1])
  }

  /// The same place in space: at the volume's resolution the same affine, at half of it voxels twice as large, whose
  /// first centre lies between the first two.
  @Test func mapsLieWhereTheirVolumesDo() throws {
    for (name, isCompressed) in [
      ("int16.nii", false), ("scaled.nii.gz", true), ("big-endian.nii", false), ("nifti2.nii.gz", true),
      ("nifti2-big-endian.nii", false),
    ] {
      for axes in NumberFile.VolumeAxes.allCases {
        let file = try read(name, axes: axes), space = try #require(file.source.space)
        let size = PixelSize(extents: Array(file.shape.dropFirst()))
        let map = HeatMap(size, values: (0..<size.count).map { Float($0) / 7 })
        try withTemporaryFolder { folder in
          let path = "\(folder)/map.nii" + (isCompressed ? ".gz" : "")
          let bytes = try space.encoded(map, isCompressed: false)
          #expect(bytes.count == (name.hasPrefix("nifti2") ? 544 : 352) + 4 * size.count)
          try writeAtomically(space.encoded(map, isCompressed: isCompressed), to: path)
          let written = try NumberFile(contentsOf: path, axes: axes)
          #expect(written.shape == [1] + size.extents && written.values == map.values)
          #expect(written.source.space!.affine == space.affine)
        }
      }
    }
    let file = try read("int16.nii"), space = try #require(file.source.space)
    let map = HeatMap(PixelSize(extents: [2, 3, 5]), values: (0..<30).map(Float.init))
    let bytes = try space.encoded(map, isCompressed: false)
    let coarse = try NumberFile(nifti: bytes, isCompressed: false, axes: .xyz).source.space!.affine
    let fine = space.affine
    for row in 0..<3 {
      #expect(coarse[row][0] == 2 * fine[row][0] && coarse[row][1] == fine[row][1])
      #expect(abs(coarse[row][3] - (fine[row][3] + fine[row][0] / 2)) < 1e-5)
    }
    expectError(.unsupported, saying: "no volume") {
      _ = try space.encoded(HeatMap(width: 2, height: 2, values: [1, 2, 3, 4]), isCompressed: false)
    }
  }

  /// Whatever is cut off or changed, the file is read or refused.
  @Test(arguments: [
    "stereo16.wav", "extensible24.wav", "int16.nii", "scaled.nii.gz", "channels.nii", "nifti2.nii.gz",
    "nifti2-big-endian.nii",
  ])
  func damageIsRefused(name: String) throws {
    let whole = Array(try Data(contentsOf: URL(filePath: fixture("numbers/\(name)"))))
    func decode(_ bytes: [UInt8]) throws -> NumberFile {
      name.hasSuffix(".wav")
        ? try NumberFile(wav: bytes)
        : try NumberFile(nifti: bytes, isCompressed: name.hasSuffix(".gz"), axes: .xyz)
    }
    func check(_ bytes: [UInt8]) throws -> Bool {
      do {
        let file = try decode(bytes)
        #expect(file.values.count == file.shape.reduce(1, *) && !file.values.isEmpty)
        return true
      } catch let error as GradCAMError {
        #expect([.badData, .unsupported].contains(error.kind), "\(error)")
        return false
      }
    }
    for count in 0..<whole.count {
      // The samples before the end of a sound are all there.
      let isRead = try check(Array(whole.prefix(count)))
      #expect(!isRead || name.hasSuffix(".wav") || name.hasSuffix(".gz") && count > whole.count - 32, "\(count)")
    }
    var generator = SplitMix64(seed: 1)
    for _ in 0..<400 {
      var changed = whole
      for _ in 0..<3 {
        changed[Int.random(in: 0..<min(whole.count, 544), using: &generator)] = .random(in: 0...255, using: &generator)
      }
      _ = try check(changed)
    }
  }

  @Test func numbersAreArrangedAsTheInputHasThem() throws {
    let sound = NumberFile(shape: [2, 3], values: [1, 2, 3, 4, 5, 6], order: .signal)
    let last = ImageShape([.batch, .sample, .channels], places: [nil], channels: 2)
    #expect(try sound.tensor(for: last).shape == [1, 3, 2] && sound.tensor(for: last).floats == [1, 4, 2, 5, 3, 6])
    #expect(try sound.size(for: last) == PixelSize(extents: [3]))
    let mono = ImageShape([.batch, .sample], places: [nil])
    expectError(.badData, saying: "2×3 (channels, samples)", "1×L nl") { _ = try sound.tensor(for: mono) }
    let volume = NumberFile(shape: [1, 1, 2, 2], values: [1, 2, 3, 4], order: .volume)
    expectError(.badData, saying: "depth", "1×L nl") { _ = try volume.tensor(for: mono) }
    let pictures = ImageShape([.batch, .height, .width, .channels], places: [1, 2], batch: 2, channels: 1)
    let array = NumberFile(shape: [2, 1, 2, 1], values: [1, 2, 3, 4])
    #expect(try array.tensor(for: pictures).floats == [1, 2, 3, 4] && array.count(for: pictures) == 2)
  }

  /// An uncompressed TIFF file of signed numbers of 16 bits, whose pages have rows of two pixels.
  private func tiff(_ pages: [[Int]], samples: Int = 1) -> [UInt8] {
    func bytes(_ number: Int, _ count: Int = 4) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    var file = Array("II*\0".utf8) + bytes(0), link = 4
    for page in pages {
      let start = file.count, rows = page.count / samples / 2
      file += page.flatMap { bytes($0, 2) }
      func forEach(_ kind: Int) -> Int {
        guard samples > 1 else { return kind }
        file += (0..<samples).flatMap { _ in bytes(kind, 2) }
        return file.count - 2 * samples
      }
      let entries = [
        (256, 4, 1, 2), (257, 4, 1, rows), (258, 3, samples, forEach(16)), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, start), (277, 3, 1, samples), (278, 4, 1, rows), (279, 4, 1, 2 * page.count),
        (339, 3, samples, forEach(2)),
      ]
      file.replaceSubrange(link..<link + 4, with: bytes(file.count))
      file += bytes(entries.count, 2)
      for (tag, type, count, value) in entries { file += bytes(tag, 2) + bytes(type, 2) + bytes(count) + bytes(value) }
      link = file.count
      file += bytes(0)
    }
    return file
  }

  @Test func pagesOfTIFFAreSlicesOrChannels() throws {
    let pages = try NumberFile(tiff: tiff([[1, -2, 3, 4], [5, 6, 7, 8], [9, 10, 11, -12]]))
    let numbers: [Float] = [1, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -12]
    let volume = ImageShape([.batch, .channels, .depth, .height, .width], places: [nil, nil, nil])
    let bands = ImageShape([.batch, .channels, .height, .width], places: [nil, nil], channels: 3)
    #expect(try pages.tensor(for: volume).shape == [1, 1, 3, 2, 2] && pages.tensor(for: volume).floats == numbers)
    #expect(try pages.tensor(for: bands).shape == [1, 3, 2, 2] && pages.tensor(for: bands).floats == numbers)
    let pixels = try NumberFile(tiff: tiff([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]], samples: 3))
    #expect(try pixels.tensor(for: bands).floats == [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12])
    expectError(.badData, saying: "3×1×2×2 (samples, pages, height, width)") { _ = try pixels.tensor(for: volume) }
    expectError(.badData, saying: "1×3×2×2") {
      _ = try pages.tensor(for: ImageShape([.batch, .sample], places: [nil]))
    }
    expectError(.badData, saying: "page 2", "first") { _ = try NumberFile(tiff: tiff([[1, 2, 3, 4], [5, 6]])) }
    let whole = tiff([[1, 2, 3, 4], [5, 6, 7, 8]])
    #expect(throws: GradCAMError.self) { _ = try NumberFile(tiff: Array(whole.dropLast(40))) }
    let more = ImageShape([.batch, .channels, .height, .width], places: [nil, nil], channels: 4)
    #expect(NumberFile.isOne("a.TIF", for: more) && NumberFile.isOne("a.tiff", for: volume))
    #expect(!NumberFile.isOne("a.tif", for: bands) && !NumberFile.isOne("a.png", for: more))
  }

  /// A batch of one, and one channel, need not be there.
  @Test func missingDimensionsAreAdded() throws {
    let shape = ImageShape([.batch, .channels, .sample], places: [nil])
    for extents in [[1, 1, 4], [1, 4], [4]] {
      let file = NumberFile(shape: extents, values: [1, 2, 3, 4])
      #expect(try file.tensor(for: shape).shape == [1, 1, 4], "\(extents)")
    }
    expectError(.badData, saying: "2×2") {
      _ = try NumberFile(shape: [2, 2], values: [1, 2, 3, 4]).tensor(
        for: ImageShape([.batch, .channels, .sample], places: [nil], channels: 3))
    }
  }
}
