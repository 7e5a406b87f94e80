/// A map that is drawn on demand: many maps at the size of a photograph take much memory.
struct MapDrawing: Sendable {
  /// One map per node, at its own size and before rectification, for every augmentation.
  let maps: [[HeatMap]]
  let fusion: Fusion?
  let compatibility: Compatibility
  let isRectified: Bool
  /// Whether it is drawn around 0, with what speaks against the target.
  var isSigned = false
  /// Whether a few values stand so far out that the largest are drawn alike.
  var isFineGrained = false

  /// The map, in 0 … 1, over a picture: the mean over all augmentations.
  func drawn(over geometry: PreprocessingGeometry) -> HeatMap {
    HeatMap.mean(
      of: maps.map { maps in
        fusion?.drawnMap(maps, following: compatibility, geometry: geometry)
          ?? (isSigned
            ? geometry.project(maps[0]).aroundHalf()
            : compatibility.drawnMap(maps[0], isRectified: isRectified, geometry: geometry))
      })
  }

  /// The same with negative values left as they are, as far as fusions and libraries do not ask for others.
  var unrectified: MapDrawing {
    MapDrawing(maps: maps, fusion: fusion, compatibility: compatibility, isRectified: false)
  }

  /// Whether a padded picture gets nothing of the maps.
  func isOnPadding(of geometry: PreprocessingGeometry) -> Bool {
    geometry.isPadded
      && maps.joined().allSatisfy { map in
        geometry.ofContent.project(isRectified ? map.rectified() : map).values.allSatisfy { $0 == 0 }
      }
  }
}
