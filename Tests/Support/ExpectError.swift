import Graph
import Testing

/// Expects an error of a kind.
///
/// - Parameters:
///   - place: the first thing that it names as its place, as it reads in messages; nil means any.
///   - words: parts of the message.
public func expectError(
  _ kind: GradCAMError.Kind, at place: String? = nil, saying words: String...,
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  let error = #expect(throws: GradCAMError.self, sourceLocation: sourceLocation, performing: body)
  guard let error else { return }
  #expect(error.kind == kind, "\(error.description)", sourceLocation: sourceLocation)
  if let place { #expect(error.place.first?.description == place, sourceLocation: sourceLocation) }
  for word in words {
    #expect(error.description.contains(word), "\(error.description)", sourceLocation: sourceLocation)
  }
}
