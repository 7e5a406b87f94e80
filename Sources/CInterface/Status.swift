import CGradCAM
import GradCAM
import Graph

/// The caller ended the work.
struct Cancelled: Error {}

/// Runs the body of a C function; an error becomes its exit code and the thread's last error.
func status(_ body: () throws -> Void) -> gradcam_status {
  do {
    try body()
    return gradcam_status(GRADCAM_OK)
  } catch is Cancelled {
    let code = gradcam_status(GRADCAM_CANCELLED)
    LastError.set(ErrorTexts(code, problem: "the progress function ended the work"))
    return code
  } catch let error as GradCAMError {
    LastError.set(ErrorTexts(error))
    return error.kind.exitCode
  } catch {
    let code = GradCAMError.Kind.defect.exitCode
    LastError.set(ErrorTexts(code, problem: "\(error)"))
    return code
  }
}

/// An error as C strings.
private final class ErrorTexts {
  let code: gradcam_status
  let text, place, problem: UnsafeMutablePointer<CChar>
  let advice: UnsafeMutablePointer<CChar>?

  init(_ code: gradcam_status, problem: String) {
    self.code = code
    (text, place, self.problem, advice) = (strdup(problem), strdup(""), strdup(problem), nil)
  }

  init(_ error: GradCAMError) {
    code = error.kind.exitCode
    text = strdup(error.message.asFields)
    place = strdup(error.place.map(\.asFields).joined(separator: ": "))
    problem = strdup(error.problem.asFields)
    advice = error.advice.map { strdup($0.asFields) }
  }

  deinit { for string in [text, place, problem, advice] { free(string) } }
}

/// The last error of every thread, which the thread owns.
private enum LastError {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { texts in
      if let texts { Unmanaged<ErrorTexts>.fromOpaque(texts).release() }
    }
    return key
  }()

  static func set(_ texts: ErrorTexts) {
    let before = current
    pthread_setspecific(key, Unmanaged.passRetained(texts).toOpaque())
    if let before { Unmanaged.passUnretained(before).release() }
  }

  static var current: ErrorTexts? {
    pthread_getspecific(key).map { Unmanaged<ErrorTexts>.fromOpaque($0).takeUnretainedValue() }
  }
}

nonisolated(unsafe) private let empty = strdup("")!

/// Gives the thread's last error, as the header says.
@c @implementation
public func gradcam_last_error() -> UnsafePointer<CChar>! { UnsafePointer(LastError.current?.text ?? empty) }

/// Gives the parts of the thread's last error, as the header says.
@c @implementation
public func gradcam_get_last_error(_ error: UnsafeMutablePointer<gradcam_error>!) -> gradcam_status {
  var parts = gradcam_error()
  (parts.place, parts.problem) = (UnsafePointer(empty), UnsafePointer(empty))
  if let known = LastError.current {
    parts.status = known.code
    (parts.place, parts.problem) = (UnsafePointer(known.place), UnsafePointer(known.problem))
    parts.advice = known.advice.map { UnsafePointer($0) }
  }
  return status { try fill(error, "error", parts) }
}

/// Limits the memory of networks, as the header says.
@c @implementation
public func gradcam_set_memory_limit(_ byte_count: UInt64) {
  MemoryLimit.set(byte_count == 0 ? nil : Int(clamping: byte_count))
}

nonisolated(unsafe) private let version = strdup(programVersion)!

/// Gives the version, as the header says.
@c @implementation
public func gradcam_version() -> UnsafePointer<CChar>! { UnsafePointer(version) }
