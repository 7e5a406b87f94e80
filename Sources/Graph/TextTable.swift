import Synchronization

/// The texts of string tensors, each kept once: an element in memory is the number of its text, so that strings move,
/// and are compared, as numbers.
///
/// Texts stay for the life of the process; number 0 is the empty text.
public enum TextTable {
  private struct Entries {
    var texts = [""]
    var numbers = ["": Int64(0)]
  }

  private static let entries = Mutex(Entries())

  /// The number of a text.
  public static func number(of text: String) -> Int64 {
    entries.withLock { entries in
      if let known = entries.numbers[text] { return known }
      let number = Int64(entries.texts.count)
      entries.texts.append(text)
      entries.numbers[text] = number
      return number
    }
  }

  /// The text with a number; empty if there is none.
  public static func text(_ number: Int64) -> String {
    entries.withLock { $0.texts.indices.contains(Int(number)) ? $0.texts[Int(number)] : "" }
  }
}
