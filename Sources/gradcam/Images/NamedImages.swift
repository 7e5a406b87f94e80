import GradCAM
import Graph

/// The images that a command line names: by files, folders, archives and a list.
struct NamedImages {
  /// Where images come from.
  enum Source {
    case file(String)
    case folder(String, ImageFolder)
    case archive(ImageArchive)
    /// A list of paths, relative to a folder or to the working directory if that is empty.
    case list(String, folder: String)
  }

  let sources: [Source]
  private var shard: Shard?
  private let limit: Int?
  /// The only picture, if it is read ahead.
  fileprivate private(set) var picture: PictureAhead?

  /// Looks into folders, as far as the first image; at nothing else.
  ///
  /// - Parameters:
  ///   - paths: files, folders and archives.
  ///   - list: a list of further files, `-` for standard input.
  ///   - folder: what its names are relative to; nil for the working directory.
  ///   - shard: the part of all images that counts; nil for all.
  ///   - limit: the greatest number of images; nil for any.
  ///
  /// Throws `unreadable` for a folder without images.
  init(
    _ paths: [String], list: String? = nil, relativeTo folder: String? = nil, shard: Shard? = nil, limit: Int? = nil
  ) throws {
    (self.shard, self.limit) = (shard, limit)
    sources =
      try paths.map { path in
        if isFolder(path) { return .folder(path, try ImageFolder(path)) }
        return ImageArchive.isOne(path) ? .archive(ImageArchive(path: path)) : .file(path)
      } + (list.map { [.list($0, folder: folder.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? "")] } ?? [])
  }

  /// Starts to read and decode the picture that is named, if that is the only one.
  mutating func readAhead() {
    guard sources.count == 1, case .file(let path) = sources[0], Picture.hasKnownExtension(path) else { return }
    picture = PictureAhead { Result { try Picture(contentsOf: path) } }
  }

  /// Whether names are relative to the only source.
  private var areRelative: Bool {
    guard sources.count == 1 else { return false }
    if case .file = sources[0] { return false }
    return true
  }

  /// The same images, and those of the other shards.
  var ofAllShards: NamedImages {
    var all = self
    all.shard = nil
    return all
  }

  /// Whether one of all shards' images is in this shard.
  func contains(_ image: ImageFile) -> Bool { shard?.contains(image.name) ?? true }

  /// Whether it may hold no image.
  var mayBeEmpty: Bool { shard != nil || hasUnlisted }

  /// The archives and the list, if it is a file.
  var containers: [String] {
    sources.compactMap { source in
      switch source {
      case .archive(let archive): archive.path
      case .list(let path, _): path == NameList.standardInput ? nil : path
      case .file, .folder: nil
      }
    }
  }

  /// The files that are named one by one, and what links in folders lead to, as far as those are few.
  var singleFiles: [String] {
    get throws {
      try sources.flatMap { source in
        switch source {
        case .file(let path): [path]
        case .folder(_, let folder): try folder.fewLinks() ?? []
        case .archive, .list: [String]()
        }
      }
    }
  }

  var folders: [String] { sources.compactMap { if case .folder(let path, _) = $0 { path } else { nil } } }

  /// The first file that is named alone or in a folder, if it is the first image.
  ///
  /// Throws what going through a folder throws.
  var firstFile: [String] {
    get throws {
      guard let first = sources.first else { return [] }
      switch first {
      case .file(let path): return [path]
      case .folder(_, let folder): return try folder.walk().next().map { [folder.path($0)] } ?? []
      case .archive, .list: return []
      }
    }
  }

  /// The files that are named one by one, and those in folders.
  ///
  /// Throws what going through a folder throws.
  func files() throws -> [String] {
    try sources.flatMap { source in
      switch source {
      case .file(let path): [path]
      case .folder(_, let folder): try folder.names().map(folder.path)
      case .archive, .list: [String]()
      }
    }
  }

  /// Whether other images than those of files and folders are named.
  private var hasUnlisted: Bool {
    sources.contains { source in
      switch source {
      case .file, .folder: false
      case .archive, .list: true
      }
    }
  }

  /// The number of images, counted up to a bound, which archives and lists reach.
  ///
  /// Throws what going through folders throws.
  func count(areFilms: Bool, upTo bound: Int) throws -> Int {
    guard !hasUnlisted else { return min(limit ?? bound, bound) }
    return try counted(stream(areFilms: areFilms), upTo: bound)
  }

  /// The number of images; nil if archives or standard input would have to be read.
  ///
  /// Throws what going through folders and lists throws.
  func total() throws -> Int? {
    let isKnown = sources.allSatisfy { source in
      switch source {
      case .file, .folder: true
      case .archive: false
      case .list(let path, _): path != NameList.standardInput
      }
    }
    return isKnown ? try counted(stream(), upTo: .max) : nil
  }

  private func counted(_ stream: ImageStream, upTo bound: Int) throws -> Int {
    var count = 0
    while count < bound, try stream.next() != nil { count += 1 }
    return count
  }

  /// The files and folders that reading the images needs.
  ///
  /// What links in a folder lead to is part of it. For a list, and for more links than are listed one by one, it is
  /// everything.
  ///
  /// Throws what going through folders throws.
  func readPaths() throws -> [String] {
    try sources.flatMap { source in
      switch source {
      case .file(let path): return [path]
      case .archive(let archive): return [archive.path]
      case .list: return ["/"]
      case .folder(let path, let folder):
        return try folder.fewLinks().map { [path] + $0 } ?? ["/"]
      }
    }
  }

  /// Goes through the images, from the first one.
  ///
  /// - Parameter areFilms: whether each folder of pictures is a film.
  func stream(areFilms: Bool = false) -> ImageStream {
    ImageStream(self, areRelative: areRelative, areFilms: areFilms, shard: shard, limit: limit)
  }
}

/// The images that a command line names, one after another, of which a few are held at a time.
final class ImageStream {
  private typealias Reader = () throws -> ImageFile?

  private var sources: ArraySlice<NamedImages.Source>
  private let areRelative, areFilms: Bool
  private let shard: Shard?
  private let picture: PictureAhead?
  /// How many may follow.
  private var rest: Int
  private var reader: Reader?
  /// Those that were looked at and not taken.
  private var ahead: [ImageFile] = []

  fileprivate init(_ named: NamedImages, areRelative: Bool, areFilms: Bool, shard: Shard?, limit: Int?) {
    (sources, self.areRelative, self.areFilms, self.shard) = (named.sources[...], areRelative, areFilms, shard)
    picture = named.picture
    rest = limit ?? .max
  }

  /// The next image; nil if there is none.
  ///
  /// Throws what going through folders, archives and lists throws.
  func next() throws -> ImageFile? { ahead.isEmpty ? try read() : ahead.removeFirst() }

  /// Up to so many of the next images, which are still to be taken.
  func peek(_ count: Int) throws -> ArraySlice<ImageFile> {
    while ahead.count < count, let image = try read() { ahead.append(image) }
    return ahead.prefix(count)
  }

  private func read() throws -> ImageFile? {
    while rest > 0 {
      if let image = try reader?() {
        rest -= 1
        return image
      }
      guard let source = sources.popFirst() else { return nil }
      reader = try reader(of: source)
    }
    return nil
  }

  private func reader(of source: NamedImages.Source) throws -> Reader {
    let areRelative = areRelative, shard = shard
    func isWanted(_ name: String) -> Bool { shard?.contains(name) ?? true }
    func single(_ image: ImageFile) -> Reader {
      var image: ImageFile? = isWanted(image.name) ? image : nil
      return {
        defer { image = nil }
        return image
      }
    }
    switch source {
    case .file(let path): return single(ImageFile(path, picture: picture))
    case .folder(let path, let folder):
      if areFilms {
        let frames = try folder.names().map(folder.path)
        if frames.allSatisfy(Picture.hasKnownExtension) { return single(ImageFile(film: path, frames: frames)) }
      }
      let walk = try folder.walk()
      return {
        while let name = try walk.next() {
          let image = ImageFile(folder.path(name), name: areRelative ? name : nil)
          if isWanted(image.name) { return image }
        }
        return nil
      }
    case .archive(let archive):
      func name(_ member: String) -> String { areRelative ? member : "\(archive.path)/\(member)" }
      let next = try archive.reader { isWanted(name($0)) }
      return { try next().map { ImageFile($0, of: archive.path, name: name($0.name)) } }
    case .list(let path, let folder):
      let list = try NameList(path)
      return {
        while let name = try list.next() {
          let path = name.hasPrefix("/") ? name : folder + name
          if isWanted(name) { return ImageFile(path, name: name) }
        }
        return nil
      }
    }
  }
}
