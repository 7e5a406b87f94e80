import GradCAM
import Graph

/// The methods that `--method` asks for.
struct MethodChoice {
  /// The methods, each once.
  private(set) var names: [String]
  /// Whether a word stands for many: their maps are drawn in one picture, and those that a node does not support are
  /// left out.
  let isGroup: Bool
  /// Those that are left out if they take long.
  private var mayBeLeftOut: Set<String> = []
  /// The word that was asked for.
  private let word: String

  /// What file names call the methods of a word.
  var groupName: String { word == "fast" ? "fast" : "all" }

  /// The words that stand for many methods.
  static let words = ["all", "all!", "fast"]
  /// A method that takes longer for an image is left out of `all`.
  static let limit = Duration.seconds(60)

  /// Throws `usage` for a method that does not exist.
  init(_ asked: [String], _ registry: Registry) throws {
    let all = registry.methods.map(\.name)
    let named = asked.filter { !Self.words.contains($0) }
    for method in named { _ = try registry.method(named: method) }
    isGroup = named.count < asked.count
    word = asked.first(where: Self.words.contains) ?? ""
    guard isGroup else {
      names = named.withoutRepeats
      return
    }
    let fast = asked.contains("fast") ? registry.fastMethods : []
    let chosen = asked.contains("all") || asked.contains("all!") ? all : fast
    names = all.filter { chosen.contains($0) || named.contains($0) }
    if asked.contains("all"), !asked.contains("all!") { mayBeLeftOut = Set(all).subtracting(named) }
  }

  /// What many methods cost; leaves out those that take longer than the limit.
  ///
  /// - Parameter observe: an image with its target; nil if no image can be read.
  mutating func leaveOutSlow(_ explainer: Explainer, _ observed: () throws -> (Observation, any Target)?) throws
    -> [Warning]
  {
    guard isGroup, word != "fast", let (observation, target) = try observed() else { return [] }
    let durations = try explainer.durations(of: names, target, observation)
    let slow = durations.filter { mayBeLeftOut.contains($0.key) && $0.value > Self.limit }
    names.removeAll { slow[$0] != nil }
    let kept = durations.filter { slow[$0.key] == nil }.sorted { $0.value > $1.value }
    let total = kept.map(\.value).reduce(.zero, +)
    if total > .seconds(2) {
      let parts = kept.prefix(3).filter { $0.value > .seconds(1) }.map { "\($0.key) \($0.value.inWords)" }.joined(
        separator: ", ")
      Console.say(
        "note: --method \(word) takes about \(total.inWords) a picture (\(parts)); --method fast takes less")
    }
    return slow.sorted { $0.value < $1.value }.map { name, duration in
      Warning(
        code: .methodSkipped,
        text:
          "\(name) is left out because it takes about \(duration.inWords) a picture; give \(.method, name), too, or "
          + "\(.method, "all!")")
    }
  }
}

extension Duration {
  /// For reading, roughly: `20 s`, `5 min`, `2.5 h`.
  var inWords: String {
    let seconds = self / .seconds(1)
    if seconds < 99.5 { return decimal(seconds, seconds < 9.95 ? 1 : 0) + " s" }
    return seconds < 5970 ? decimal(seconds / 60, 0) + " min" : decimal(seconds / 3600, 1) + " h"
  }
}
