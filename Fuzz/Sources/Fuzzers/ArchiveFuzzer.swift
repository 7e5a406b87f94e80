@testable import GradCAM
import Graph

/// Reads an archive, and passes over all of it: both find the same end.
func fuzzArchive(_ input: [UInt8]) throws {
  let path = FuzzFolder.write(input, to: "a.tar")
  let read = try damage(of: TarArchive(path)) { _ in true }
  let passed = try damage(of: TarArchive(path)) { _ in false }
  guard (read == nil) == (passed == nil) else { fatalError("\(read as Any), but \(passed as Any)") }
  if let read { throw read }
}

/// What ends an archive before its end, whatever errors members have; nil if nothing does.
private func damage(of archive: TarArchive, where isWanted: (String) -> Bool) throws -> GradCAMError? {
  while !archive.isAtEnd {
    do {
      _ = try archive.next(where: isWanted)
    } catch let error as GradCAMError where archive.isAtEnd {
      return error
    } catch let error as GradCAMError where error.kind != .defect {
      _ = error.description
    }
  }
  return nil
}
