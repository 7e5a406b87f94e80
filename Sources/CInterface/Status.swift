import CGradCAM
import GradCAM
import Graph

/// Runs the body of a C function; an error becomes its exit code and the thread's last error.
func status(_ body: () throws -> Void) -> gradcam_status {
  do {
    try body()
    return gradcam_status(GRADCAM_OK)
  } catch let error as GradCAMError {
    LastError.set(error.message.asFields)
    return error.kind.exitCode
  } catch {
    LastError.set("\(error)")
    return GradCAMError.Kind.defect.exitCode
  }
}

/// The last error of every thread, as a C string that the thread owns.
enum LastError {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { free($0) }
    return key
  }()
  nonisolated(unsafe) private static let none = strdup("")!

  static func set(_ text: String) {
    free(pthread_getspecific(key))
    pthread_setspecific(key, strdup(text))
  }

  static var current: UnsafePointer<CChar> {
    UnsafePointer(pthread_getspecific(key)?.assumingMemoryBound(to: CChar.self) ?? none)
  }
}

/// Gives the thread's last error, as the header says.
@c @implementation
public func gradcam_last_error() -> UnsafePointer<CChar>! { LastError.current }

nonisolated(unsafe) private let version = strdup(programVersion)!

/// Gives the version, as the header says.
@c @implementation
public func gradcam_version() -> UnsafePointer<CChar>! { UnsafePointer(version) }
