/// What went wrong, where, and what to do about it.
///
/// Every error that the program reports on purpose is of this type. The command line prints `description` on one
/// line and exits with `kind.exitCode`.
public struct GradCAMError: Error, CustomStringConvertible, Sendable {
  /// The class of an error, which decides the exit code of the command line.
  public enum Kind: Sendable {
    /// An option or a name that the user gave cannot be used.
    case usage
    /// A model, image or tensor whose contents are wrong.
    case badData
    /// A file that cannot be opened or read.
    case unreadable
    /// An operator or feature that this program does not have.
    case unsupported
    /// A broken promise inside this program.
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
  /// The file, node, tensor or attribute concerned, outermost first; empty where nothing narrower is known.
  public var place: [String]
  /// What is wrong, without a final full stop.
  public let problem: String
  /// What the user can do about it, without a final full stop; nil where nothing helps.
  public let advice: String?

  /// Creates an error of a kind at a place.
  public init(_ kind: Kind, at place: String..., problem: String, advice: String? = nil) {
    self.kind = kind
    self.place = place
    self.problem = problem
    self.advice = advice
  }

  /// The same error with an enclosing place put in front.
  public func within(_ outer: String) -> GradCAMError {
    var error = self
    error.place.insert(outer, at: 0)
    return error
  }

  /// One line: place, problem, advice.
  public var description: String {
    let location = place.map { ($0.isEmpty ? "''" : $0) + ": " }.joined()
    return location + problem + (advice.map { "; " + $0 } ?? "")
  }
}
