/// What went wrong, where, and what to do about it.
///
/// Every deliberately reported error is of this type. A front end renders it on one line; a process exits with
/// `kind.exitCode`.
public struct GradCAMError: Error, CustomStringConvertible, Sendable {
  /// The class of an error, which decides the exit code of a process.
  public enum Kind: Sendable {
    /// A setting or name given by the user that cannot be used.
    case usage
    /// A model, image or tensor whose contents are wrong.
    case badData
    /// A file that cannot be opened or read.
    case unreadable
    /// An operator or feature that this program does not support.
    case unsupported
    /// A violated invariant of this program.
    case defect
    /// A file that cannot be written.
    case unwritable

    /// The process exit code, as documented for scripts.
    public var exitCode: Int32 {
      switch self {
      case .usage: 64
      case .badData: 65
      case .unreadable: 66
      case .unsupported: 69
      case .defect: 70
      case .unwritable: 73
      }
    }
  }

  /// The class of the error.
  public let kind: Kind
  /// The file, node, tensor, attribute or setting concerned, outermost first; empty if nothing narrower is known.
  public var place: [Message]
  /// What is wrong, without a final full stop.
  public let problem: Message
  /// What the user can do about it, without a final full stop; nil if nothing helps.
  public let advice: Message?
  /// Whether memory is missing.
  public var isAboutMemory = false
  /// Whether something must be known to make a plan that only a run of the network tells.
  public internal(set) var dependsOnData = false
  /// The input whose contents a node has to know before its extents can be inferred, while planning may still find them.
  var awaitedInput: Int?

  /// Creates an error of a kind at a place.
  public init(_ kind: Kind, at place: Message..., problem: Message, advice: Message? = nil) {
    self.kind = kind
    self.place = place
    self.problem = problem
    self.advice = advice
  }

  /// Creates an error from strings, which name no setting; literals are messages.
  @_disfavoredOverload
  public init(_ kind: Kind, at place: String..., problem: String, advice: String? = nil) {
    self.kind = kind
    self.place = place.map { Message($0) }
    self.problem = Message(problem)
    self.advice = advice.map { Message($0) }
  }

  /// The same error with an enclosing place put in front.
  public func within(_ outer: Message) -> GradCAMError {
    var error = self
    error.place.insert(outer, at: 0)
    return error
  }

  /// The same error with an enclosing place put in front.
  @_disfavoredOverload
  public func within(_ outer: String) -> GradCAMError { within(Message(outer)) }

  /// One line: place, problem, advice.
  public var message: Message {
    let location: Message = place.reduce("") { "\($0)\($1.isEmpty ? "''" : $1): " }
    return "\(location)\(problem)" + (advice.map { "; \($0)" } ?? "")
  }

  /// The line, with settings by their plain names.
  public var description: String { message.description }

  /// The line, with settings and listings as a front end writes them.
  public func rendered(by name: (Message.Reference) -> String) -> String { message.rendered(by: name) }
}
