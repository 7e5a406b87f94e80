/// A picture resized as a whole to fit into the network's input, its proportions kept, and padded to the input's size, as
/// detectors get it.
public struct Letterbox: Sendable, Equatable {
  /// Where the picture lies in the input.
  public enum Anchor: String, Sendable, CaseIterable {
    /// In the middle, as in Ultralytics' `LetterBox`: sides are rounded to the nearest, and of an odd margin the larger
    /// half lies right or below.
    case centre
    /// At the upper left, as in YOLOX: sides are rounded down.
    case topLeft = "top-left"
  }

  /// Where the picture lies.
  public var anchor: Anchor
  /// The colour of the padding.
  public var fill: PixelColor
  /// What the input's sides are multiples of, if only as much is padded; nil pads to the input's whole size.
  ///
  /// As in Ultralytics' `LetterBox` with `auto=True`, which is for networks whose size is open.
  public var stride: Int?

  /// A description.
  ///
  /// - Precondition: the stride is positive.
  public init(anchor: Anchor = .centre, fill: PixelColor = .usualPadding, stride: Int? = nil) {
    precondition(stride ?? 1 > 0)
    (self.anchor, self.fill, self.stride) = (anchor, fill, stride)
  }

  /// How a picture of a size becomes an input of at most a size.
  public func geometry(picture: PixelSize, input: PixelSize) -> PreprocessingGeometry {
    let ratio = min(
      Double(input.height) / Double(picture.height), Double(input.width) / Double(picture.width))
    func side(_ extent: Int, _ limit: Int) -> Int {
      let exact = Double(extent) * ratio
      return min(max(1, Int(exact.rounded(anchor == .centre ? .toNearestOrEven : .down))), limit)
    }
    let resized = PixelSize(width: side(picture.width, input.width), height: side(picture.height, input.height))
    func margins(_ side: Int, _ limit: Int) -> (before: Int, both: Int) {
      let both = stride.map { (limit - side) % $0 } ?? limit - side
      return (anchor == .centre ? Int((Double(both) / 2 - 0.1).rounded(.toNearestOrEven)) : 0, both)
    }
    let across = margins(resized.width, input.width), down = margins(resized.height, input.height)
    return PreprocessingGeometry(
      original: picture, resized: resized,
      crop: PixelRectangle(
        x: -across.before, y: -down.before, width: resized.width + across.both, height: resized.height + down.both),
      fill: fill)
  }
}

extension Letterbox: CustomStringConvertible {
  private static let name = "letterbox"

  /// Reads `letterbox`, with any of `:centre`, `:top-left`, a grey of 0 to 255 or a colour `:#rrggbb`, and `:stride-N`
  /// after it; nil if it is something else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts[0] == Self.name else { return nil }
    var anchors: [Anchor] = [], fills: [PixelColor] = [], strides: [Int] = []
    for part in parts.dropFirst() {
      if let anchor = Anchor(rawValue: part == "center" ? "centre" : String(part)) {
        anchors.append(anchor)
      } else if let fill = PixelColor(part) {
        fills.append(fill)
      } else if part.hasPrefix("stride-"), let stride = Int(part.dropFirst("stride-".count)),
        (1...65_536).contains(stride)
      {
        strides.append(stride)
      } else {
        return nil
      }
    }
    guard [anchors.count, fills.count, strides.count].allSatisfy({ $0 < 2 }) else { return nil }
    self.init(anchor: anchors.first ?? .centre, fill: fills.first ?? .usualPadding, stride: strides.first)
  }

  /// As `--resize` takes it.
  public var description: String {
    let parts = [
      anchor == .centre ? nil : anchor.rawValue, fill == .usualPadding ? nil : fill.description,
      stride.map { "stride-\($0)" },
    ]
    return ([Self.name] + parts.compactMap { $0 }).joined(separator: ":")
  }

  /// For reading: `letterboxed to 640×640, grey 114`.
  func text(to input: PixelSize) -> String {
    let size = stride.map { "\(input.text) or less, in steps of \($0)" } ?? input.text
    let place = anchor == .centre ? "" : ", at the upper left"
    return "letterboxed to \(size)\(place), \(fill.isGrey ? "grey \(fill)" : "\(fill)")"
  }
}

/// A colour of 8 bits a channel.
public struct PixelColor: Sendable, Equatable {
  /// The samples.
  public var red, green, blue: UInt8

  /// A colour of given samples.
  public init(red: UInt8, green: UInt8, blue: UInt8) { (self.red, self.green, self.blue) = (red, green, blue) }

  /// A shade of grey.
  public init(grey: UInt8) { self.init(red: grey, green: grey, blue: grey) }

  /// Black.
  public static let black = PixelColor(grey: 0)
  /// What detectors' pictures are usually padded with.
  public static let usualPadding = PixelColor(grey: 114)

  var isGrey: Bool { red == green && green == blue }
  /// The samples in order.
  var samples: [UInt8] { [red, green, blue] }
}

extension PixelColor: CustomStringConvertible {
  /// Reads a grey of 0 to 255, or `#rrggbb`; nil if it is neither.
  init?(_ text: some StringProtocol) {
    if text.hasPrefix("#") {
      let digits = text.dropFirst()
      guard digits.count == 6, digits.allSatisfy(\.isHexDigit), let number = UInt32(digits, radix: 16) else {
        return nil
      }
      self.init(
        red: UInt8(number >> 16), green: UInt8(number >> 8 & 0xFF), blue: UInt8(number & 0xFF))
    } else {
      guard (1...3).contains(text.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let grey = UInt8(text)
      else { return nil }
      self.init(grey: grey)
    }
  }

  /// As it is read.
  public var description: String {
    if isGrey { return "\(red)" }
    return samples.reduce("#") { $0 + ($1 < 16 ? "0" : "") + String($1, radix: 16) }
  }
}
