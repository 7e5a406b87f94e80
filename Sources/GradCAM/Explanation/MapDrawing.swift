/// A map that is drawn when it is asked for: at the size of a photograph many take much memory.
struct MapDrawing: Sendable {
  /// One map of each node, at its own size and before rectification, for every change of the image.
  let maps: [[HeatMap]]
  /// How those of several nodes become one.
  let fusion: Fusion?
  /// The library followed.
  let compatibility: Compatibility
  /// Whether values below 0 are left out.
  let isRectified: Bool

  /// The map, in 0 … 1, over a picture; of changed images the mean.
  func drawn(over geometry: PreprocessingGeometry) -> HeatMap {
    HeatMap.mean(
      of: maps.map { maps in
        fusion?.drawnMap(maps, following: compatibility, geometry: geometry)
          ?? compatibility.drawnMap(maps[0], isRectified: isRectified, geometry: geometry)
      })
  }
}
