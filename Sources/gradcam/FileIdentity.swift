import Graph

/// The file that a path leads to, through links and in any spelling.
struct FileIdentity: Hashable {
  private let device: dev_t
  private let number: ino_t

  /// Nil if there is no file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    (device, number) = (status.st_dev, status.st_ino)
  }
}
