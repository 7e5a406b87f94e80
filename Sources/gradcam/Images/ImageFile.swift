import GradCAM
import Graph

/// A file of an image, alone, in a folder or in an archive; or the pictures that are the frames of a film.
struct ImageFile {
  /// What rows call it: the path relative to its folder or archive, else as it was given.
  let name: String
  /// What messages call it: the path; of an archive's member with the archive's before it.
  let path: String
  /// The files that it is read from.
  let files: [String]
  let isFilm: Bool
  /// What the file holds, once that is read.
  private(set) var contents: [UInt8]?

  /// A file.
  init(_ path: String, name: String? = nil) {
    (self.name, self.path, files, isFilm, contents) = (name ?? path, path, [path], false, nil)
  }

  /// A member of an archive.
  init(_ member: TarMember, of archive: String, name: String) {
    (self.name, path, files, isFilm) = (name, "\(archive)/\(member.name)", [archive], false)
    contents = member.contents
  }

  /// A film, whose frames are the pictures in a folder.
  init(film folder: String, frames: [String]) {
    let path = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    (name, self.path, files, isFilm, contents) = (path, path, frames, true, nil)
  }

  /// Reads the file, unless that is done or it is a film.
  ///
  /// Throws what reading throws.
  mutating func load() throws { if contents == nil, !isFilm { contents = try contentsOfFile(at: path) } }

  /// The SHA-256 of the file; nil until it is read.
  var sha256: String? { contents.map { FileDigest.of($0).hexadecimal } }

  /// The size of the picture, which is not decoded.
  ///
  /// Throws what reading throws.
  var pictureSize: PixelSize {
    get throws { try contents.map(Picture.size(fromHead:)) ?? Picture.size(ofFile: path) }
  }

  /// What it gives an input.
  ///
  /// Throws what reading throws.
  func imageContents(for input: ImageShape, axes: NumberFile.VolumeAxes) throws -> ImageContents {
    if isFilm { return .frames(try files.map { try Picture(contentsOf: $0) }) }
    guard let contents else { return try ImageContents(contentsOf: path, for: input, axes: axes) }
    return try ImageContents(decoding: contents, of: path, for: input, axes: axes)
  }
}
