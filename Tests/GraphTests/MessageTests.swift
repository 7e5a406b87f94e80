import Testing

@testable import Graph

@Suite struct MessageTests {
  private func asOptions(_ reference: Message.Reference) -> String {
    switch reference {
    case .setting(let setting): "--\(setting.rawValue)"
    case .value(let setting, let value), .form(let setting, let value): "--\(setting.rawValue) \(value)"
    case .listing(let listing): "<\(listing)>"
    }
  }

  @Test func frontEndsNameSettings() {
    let message: Message = "\(.node, "x"): give \(.labels, as: "FILE") or \(.size); \(listing: .nodes) lists \(3)"
    #expect(message.rendered(by: asOptions) == "--node x: give --labels FILE or --size; <nodes> lists 3")
    #expect(message.description == "node 'x': give labels or size; the node catalogue lists 3")
  }

  @Test func howAMessageIsWrittenDoesNotMatter() {
    let name = "a"
    #expect("a b" as Message == "\(name) b" && Message("a b") == "a" + " b")
    #expect(("" as Message).isEmpty && ("\("")" as Message).isEmpty && !("\(.node)" as Message).isEmpty)
  }

  @Test func errorsKeepTheirReferences() {
    let error = GradCAMError(.usage, at: "\(.node, "x")", problem: "is none", advice: "leave out \(.grid)")
    #expect("\(error.within("f"))" == "f: node 'x': is none; leave out grid")
    #expect(error.within("").rendered(by: asOptions) == "'': --node x: is none; leave out --grid")
    let any: any Error = error
    #expect(("\(any)!" as Message).rendered(by: asOptions) == "--node x: is none; leave out --grid!")
  }
}
