@testable import GradCAM

/// Reads a sound or a volume, compressed or not, and writes a map into the volume's space.
func fuzzNumbers(_ input: [UInt8]) throws {
  if input.starts(with: Array("RIF".utf8)) {
    _ = try NumberFile(wav: input)
    return
  }
  let isCompressed = input.starts(with: [0x1F, 0x8B])
  for axes in NumberFile.VolumeAxes.allCases {
    let file = try NumberFile(nifti: input, isCompressed: isCompressed, axes: axes)
    guard let space = file.source.space else { continue }
    let map = HeatMap(PixelSize(extents: [1, 2, 3]), values: [1, 2, 3, 4, 5, 6])
    _ = try NumberFile(nifti: space.encoded(map, isCompressed: isCompressed), isCompressed: isCompressed, axes: axes)
  }
}
