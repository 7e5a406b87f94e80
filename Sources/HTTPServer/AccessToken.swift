/// What a client shows to be admitted.
public enum AccessToken {
  /// 128 random bits of the system, as 32 hexadecimal digits.
  public static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<16).map { _ in
      let byte = UInt8.random(in: 0...255, using: &generator)
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }

  /// Whether two texts are equal, in a time that depends on the length of the second alone.
  static func equal(_ secret: String, _ shown: some StringProtocol) -> Bool {
    let secret = Array(secret.utf8), shown = Array(shown.utf8)
    guard !secret.isEmpty else { return false }
    var difference = secret.count ^ shown.count
    for (position, byte) in shown.enumerated() {
      difference |= Int(byte ^ secret[position % secret.count])
    }
    return difference == 0
  }
}
