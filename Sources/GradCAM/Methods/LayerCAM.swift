/// LayerCAM: every activation weighted by its own gradient where that is above 0.
///
/// Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for Localization, 2021.
struct LayerCAM: TapMethod {
  func map(of tap: Tap) -> HeatMap { tap.sum { $0 * max($1, 0) } }
}
