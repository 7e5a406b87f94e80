/// Occlusion: what the score loses if a window of the picture is set to the baseline; each place has the mean over the
/// windows that cover it.
///
/// The window moves by its stride from the first corner, and is cut off at the last; as in Captum. Zeiler and Fergus,
/// Visualizing and Understanding Convolutional Networks, 2014.
struct Occlusion: CAMMethod {
  var summary: String { "what the score loses if a window of the picture is covered" }
  let scope = MapScope.network
  var baseline = Baseline.zero
  var window: PixelSize?
  var stride: PixelSize?

  func configured(by settings: MethodSettings) -> any CAMMethod {
    Occlusion(baseline: settings.baseline, window: settings.window, stride: settings.stride)
  }

  /// As many as windows along two axes of the default stride.
  func passCount(at tap: Tap) -> Int { 169 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let image = probe.inputPlanes, baseline = try probe.planes(of: baseline)[0], size = probe.inputSize
    let windows = try Windows(over: size, window: window, stride: stride)
    let score = try probe.score
    let scores = try probe.scores(ofInputs: windows.count) { index, input in
      var planes = image
      windows.forEachPlace(of: index) { place in
        for channel in planes.indices { planes[channel][place] = baseline[channel][place] }
      }
      probe.setInput(input, to: planes)
    }
    var lost = [Float](repeating: 0, count: size.count), covering = lost
    for (index, changed) in scores.enumerated() {
      windows.forEachPlace(of: index) { place in
        lost[place] += score - changed
        covering[place] += 1
      }
    }
    return HeatMap(size, values: zip(lost, covering).map { $1 > 0 ? $0 / $1 : 0 })
  }
}
