import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// An element of a page, with all that is in it.
final class MarkupTree {
  let name: String
  let attributes: [String: String]
  private(set) var children: [MarkupTree] = []
  /// The text in it and in its descendants, spaces run together.
  private(set) var text = ""

  init(_ name: String, _ attributes: [String: String] = [:]) {
    self.name = name
    self.attributes = attributes
  }

  /// The elements in it, in the order of the page.
  var descendants: [MarkupTree] { children.flatMap { [$0] + $0.descendants } }

  func all(_ name: String) -> [MarkupTree] { descendants.filter { $0.name == name } }

  /// The page that a text holds, which must be well-formed XML.
  static func parsing(_ text: String) throws -> MarkupTree {
    let builder = Builder()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = builder
    let isWellFormed = parser.parse()
    let problem = parser.parserError
    try #require(isWellFormed, "line \(parser.lineNumber): \(problem.map { "\($0)" } ?? "")")
    return try #require(builder.root)
  }

  private final class Builder: NSObject, XMLParserDelegate {
    var open: [MarkupTree] = []
    var root: MarkupTree?

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      let element = MarkupTree(name, attributes)
      open.last?.children.append(element)
      open.append(element)
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { for element in open { element.text += string } }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
      root = open.removeLast()
      root!.text = root!.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
  }
}
