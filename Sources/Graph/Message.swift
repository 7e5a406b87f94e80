/// A text for users, in which each front end names settings and listings in its own way.
///
/// Written as a literal: `"give \(.labels, as: "FILE")"`, `"\(.node, query): no such node"`, `"\(listing: .nodes) lists them"`.
public struct Message: Sendable, Equatable, ExpressibleByStringInterpolation, CustomStringConvertible {
  /// What a front end names.
  public enum Reference: Sendable, Equatable {
    /// A setting alone.
    case setting(Setting)
    /// A setting with a present or intended value.
    case value(Setting, String)
    /// A setting with the form of its values on a command line, such as `FILE`.
    case form(Setting, String)
    /// Where names are listed.
    case listing(Listing)
  }

  private enum Piece: Sendable, Equatable {
    case text(String)
    case reference(Reference)
  }

  /// Adjacent texts are one piece, and none is empty.
  private var pieces: [Piece] = []

  /// A text that names nothing.
  public init(_ text: String) { append(text) }

  /// A text that names nothing.
  public init(stringLiteral text: String) { append(text) }

  /// The message of an interpolated literal.
  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.message }

  /// Whether there is no text.
  public var isEmpty: Bool { pieces.isEmpty }

  /// Concatenates two texts.
  public static func + (first: Message, second: Message) -> Message { "\(first)\(second)" }

  /// The text, with references as a front end writes them.
  public func rendered(by name: (Reference) -> String) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .reference(let reference): name(reference)
      }
    }.joined()
  }

  /// The text, with settings by their plain names: `node 'x'`.
  public var description: String {
    rendered { reference in
      switch reference {
      case .setting(let setting), .form(let setting, _): setting.rawValue
      case .value(let setting, let value): "\(setting.rawValue) '\(value)'"
      case .listing(let listing): listing.rawValue
      }
    }
  }

  private mutating func append(_ text: String) {
    guard !text.isEmpty else { return }
    if case .text(let before)? = pieces.last {
      pieces[pieces.count - 1] = .text(before + text)
    } else {
      pieces.append(.text(text))
    }
  }

  /// The parts of an interpolated literal.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var message = Message("")

    /// Starts empty.
    public init(literalCapacity: Int, interpolationCount: Int) {}

    /// A literal part.
    public mutating func appendLiteral(_ text: String) { message.append(text) }

    /// A value's description; a message, or the message of an error, with its references.
    public mutating func appendInterpolation<Value>(_ value: Value) {
      switch value {
      case let inner as Message: append(inner)
      case let error as GradCAMError: append(error.message)
      default: message.append("\(value)")
      }
    }

    /// A setting.
    public mutating func appendInterpolation(_ setting: Setting) { append(.setting(setting)) }

    /// A setting with a value.
    public mutating func appendInterpolation<Value>(_ setting: Setting, _ value: Value) {
      append(.value(setting, "\(value)"))
    }

    /// A setting with the form of its values on a command line.
    public mutating func appendInterpolation(_ setting: Setting, as form: String) { append(.form(setting, form)) }

    /// Where names are listed.
    public mutating func appendInterpolation(listing: Listing) { append(.listing(listing)) }

    private mutating func append(_ reference: Reference) { message.pieces.append(.reference(reference)) }

    private mutating func append(_ inner: Message) {
      for piece in inner.pieces {
        switch piece {
        case .text(let text): message.append(text)
        case .reference(let reference): append(reference)
        }
      }
    }
  }
}

/// What a user can set, by its plain name.
public enum Setting: String, Sendable {
  case axes, axis, baseline, boxes
  case boxesOf = "boxes-of"
  case channels, `class`, columns, contrast, crop, detection, embedding, fuse, grid, image, interpolation, iou, item
  case failIf = "fail-if"
  case layout
  case labelMap = "label-map"
  case labels, mask, masks
  case maxPixels = "max-pixels"
  case mean
  case memoryLimit = "memory-limit"
  case method, metric, models, node
  case outputName = "output-name"
  case plugin, prefer, preset, range, rate, resize, score, show, signed, size
  case smooth, std, steps, stride, target, tensor, top, truth, window
}

/// Where names are listed, in words.
public enum Listing: String, Sendable {
  /// The nodes at which a map can be taken.
  case nodes = "the node catalogue"
  /// Every node.
  case allNodes = "the catalogue of all nodes"
  /// The networks of the models folder.
  case models = "the models folder"
}
