import GradCAM
import Graph

/// A picture that is read and decoded in the background.
typealias PictureAhead = Background<Result<Picture, any Error>>

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
  private var contents: [UInt8]?
  /// Why it cannot be read, if that is known.
  private var failure: GradCAMError?
  private var picture: PictureAhead?

  /// A file.
  ///
  /// - Parameter picture: its picture, if that is read ahead.
  init(_ path: String, name: String? = nil, picture: PictureAhead? = nil) {
    (self.name, self.path, files, isFilm, self.picture) = (name ?? path, path, [path], false, picture)
  }

  /// A member of an archive.
  init(_ member: ImageArchive.Member, of archive: String, name: String) {
    (self.name, path, files, isFilm) = (name, "\(archive)/\(member.name)", [archive], false)
    switch member {
    case .read(let member): contents = member.contents
    case .failed(_, var error):
      error.place = [Message(path)]
      failure = error
    }
  }

  /// A film, whose frames are the pictures in a folder.
  init(film folder: String, frames: [String]) {
    let path = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    (name, self.path, files, isFilm) = (path, path, frames, true)
  }

  /// Reads the file, unless that is done or it is a film.
  ///
  /// Throws what reading throws.
  mutating func load() throws {
    if let failure { throw failure }
    if contents == nil, !isFilm { contents = try contentsOfFile(at: path) }
  }

  /// The SHA-256 of the file; nil until it is read.
  var sha256: String? { contents.map { FileDigest.of($0).hexadecimal } }

  /// The size of the picture, which is not decoded.
  ///
  /// Throws what reading throws.
  var pictureSize: PixelSize {
    get throws {
      if let failure { throw failure }
      return try contents.map(Picture.size(fromHead:)) ?? Picture.size(ofFile: path)
    }
  }

  /// What it gives an input.
  ///
  /// Throws what reading throws.
  func imageContents(for input: ImageShape, axes: NumberFile.VolumeAxes) throws -> ImageContents {
    if let failure { throw failure }
    if isFilm { return .frames(try files.map { try Picture(contentsOf: $0) }) }
    if let picture, contents == nil, !NumberFile.isOne(path, for: input) { return .picture(try picture.value.get()) }
    guard let contents else { return try ImageContents(contentsOf: path, for: input, axes: axes) }
    return try ImageContents(decoding: contents, of: path, for: input, axes: axes)
  }
}
