import Graph

/// An element of an XML file: its text and the elements in it, without attributes and comments.
struct XMLTree {
  /// The name of the element.
  let name: String
  /// The line in the file on which it starts, from 1.
  let line: Int
  /// The text of the element itself, without white space at its ends.
  private(set) var text = ""
  /// The elements in it, in their order.
  private(set) var children: [XMLTree] = []

  /// Reads a file's only element.
  ///
  /// Throws `badData` naming the line of what is not well-formed, or of a document type, which is not read.
  init(_ text: String) throws {
    var reader = XMLReader(bytes: Array(text.utf8))
    self = try reader.document()
  }

  fileprivate init(name: String, line: Int) { (self.name, self.line) = (name, line) }

  /// The children with a name.
  func children(named name: String) -> [XMLTree] { children.filter { $0.name == name } }

  fileprivate mutating func append(_ child: XMLTree) { children.append(child) }

  fileprivate mutating func setText(_ bytes: [UInt8]) throws {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw GradCAMError(.badData, at: "line \(line)", problem: "is not text in UTF-8")
    }
    self.text = text.trimmingSpace
  }
}

/// Reads elements from bytes.
private struct XMLReader {
  let bytes: [UInt8]
  private var position = 0
  private static let deepest = 64

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws -> XMLTree {
    try skipBetweenElements()
    let root = try element(depth: 0)
    try skipBetweenElements()
    guard position == bytes.count else { throw fault("has something after the end of <\(root.name)>") }
    return root
  }

  private var line: Int { bytes[..<position].count { $0 == 0x0A } + 1 }
  /// A position that was passed, and its line.
  private var passed = (position: 0, line: 1)

  /// The line, counted on from the last place that was asked about.
  private mutating func nextLine() -> Int {
    passed.line += bytes[passed.position..<position].count { $0 == 0x0A }
    passed.position = position
    return passed.line
  }

  private func fault(_ problem: String) -> GradCAMError {
    GradCAMError(.badData, at: "line \(line)", problem: problem, advice: "correct the file or make it again")
  }

  private func starts(with text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

  private mutating func skip(_ text: String) -> Bool {
    guard starts(with: text) else { return false }
    position += text.utf8.count
    return true
  }

  /// Skips what is up to a text, and the text; returns what it skipped before it.
  private mutating func skip(past end: String, of what: String) throws -> ArraySlice<UInt8> {
    let start = position
    while position < bytes.count {
      if starts(with: end) {
        defer { position += end.utf8.count }
        return bytes[start..<position]
      }
      position += 1
    }
    position = start
    throw fault("\(what) does not end")
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private mutating func skipBetweenElements() throws {
    while true {
      skipSpace()
      if skip("<!--") {
        _ = try skip(past: "-->", of: "a comment")
      } else if skip("<?") {
        _ = try skip(past: "?>", of: "a processing instruction")
      } else {
        return
      }
    }
  }

  private mutating func name() throws -> String {
    let start = position
    while position < bytes.count, !" \t\r\n/>=<&\"'".utf8.contains(bytes[position]) { position += 1 }
    guard position > start, let name = String(validating: bytes[start..<position], as: UTF8.self) else {
      throw fault("is not XML from here on")
    }
    return name
  }

  private mutating func element(depth: Int) throws -> XMLTree {
    guard !starts(with: "<!") else { throw fault("has a document type, which is not read") }
    guard depth < Self.deepest, skip("<") else {
      throw fault(position < bytes.count ? "is not XML from here on" : "the file ends too early")
    }
    var element = XMLTree(name: try name(), line: nextLine())
    while true {
      skipSpace()
      if skip("/>") { return element }
      if skip(">") { break }
      _ = try name()
      skipSpace()
      let isAttribute = skip("=")
      skipSpace()
      guard isAttribute, let quote = ["\"", "'"].first(where: { skip($0) }) else {
        throw fault("<\(element.name)> has an attribute without a value")
      }
      _ = try skip(past: quote, of: "the value of an attribute")
    }
    try content(of: &element, depth)
    return element
  }

  /// Reads up to the end tag, and the tag.
  private mutating func content(of element: inout XMLTree, _ depth: Int) throws {
    var text: [UInt8] = []
    while position < bytes.count {
      if skip("</") {
        let end = try name()
        skipSpace()
        guard end == element.name, skip(">") else { throw fault("<\(element.name)> is ended by </\(end)>") }
        return try element.setText(text)
      } else if skip("<!--") {
        _ = try skip(past: "-->", of: "a comment")
      } else if skip("<?") {
        _ = try skip(past: "?>", of: "a processing instruction")
      } else if skip("<![CDATA[") {
        text += try skip(past: "]]>", of: "a text")
      } else if starts(with: "<") {
        element.append(try self.element(depth: depth + 1))
      } else if skip("&") {
        text += try reference()
      } else {
        text.append(bytes[position])
        position += 1
      }
    }
    throw fault("<\(element.name)> does not end")
  }

  /// The character that a reference such as `&amp;` or `&#65;` means.
  private mutating func reference() throws -> [UInt8] {
    let rest = bytes[position...].prefix(12)
    guard let end = rest.firstIndex(of: UInt8(ascii: ";")) else { throw fault("has a & that starts no reference") }
    let name = String(decoding: bytes[position..<end], as: UTF8.self)
    let named = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"][name]
    let code = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
    let numbered = name.hasPrefix("#") ? code.flatMap(Unicode.Scalar.init).map { String(Character($0)) } : nil
    guard let text = named ?? numbered else { throw fault("'&\(name);' is not known") }
    position = end + 1
    return Array(text.utf8)
  }
}
