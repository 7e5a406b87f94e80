import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Every usual form of a label file gives the names in the classes' order, and any other is refused.
@Suite struct LabelFileTests {
  private static let pets = ["cat", "dog", "owl", "fox"]

  @Test(arguments: [
    ("plain.txt", "cat\ndog\nowl\nfox\n\n"), ("mac.txt", "cat\rdog\rowl\rfox\r"),
    ("list.json", #"["cat","dog","owl","fox"]"#),
    ("lines.json", "[\n  \"cat\",\n  \"dog\",\n  \"owl\",\n  \"fox\"\n]\n"),
    ("index.json", "{\n \"0\": \"cat\",\n \"1\": \"dog\",\n \"2\": \"owl\",\n \"3\": \"fox\"\n}"),
    ("to_idx.json", #"{"owl": 2, "cat": 0, "fox": 3, "dog": 1}"#),
    ("config.json", #"{"id2label": {"0": "cat", "1": "dog", "2": "owl", "3": "fox"}, "label2id": {"cat": 0}}"#),
    ("nested.json", #"{"class_to_idx": {"cat": 0, "dog": 1, "owl": 2, "fox": 3}}"#),
    ("imagenet.json", #"{"0": ["n1", "cat"], "1": ["n2", "dog"], "2": ["n3", "owl"], "3": ["n4", "fox"]}"#),
    ("python.txt", "{0: 'cat', 1: 'dog', 2: 'owl', 3: 'fox'}"),
    ("head.csv", "id,name\n0,cat\n1,dog\n2,owl\n3,fox\n"), ("swapped.csv", "class,label\nfox,3\ncat,0\ndog,1\nowl,2\n"),
    ("bare.csv", "0,cat\n1,dog\n2,owl\n3,fox\n"), ("one.csv", "label\ncat\ndog\nowl\nfox\n"),
    ("quoted.csv", "index,mid,display_name\n0,/m/1,\"cat\"\n1,/m/2,dog\n2,/m/3,owl\n3,/m/4,fox\n"),
    ("table.txt", "index,name\n0,cat\n1,dog\n2,owl\n3,fox\n"),
    ("tabs.tsv", "name\tid\ncat\t0\ndog\t1\nowl\t2\nfox\t3\n"),
    ("list.yaml", "nc: 4\nnames:\n  - cat\n  - dog  # barks\n  - 'owl'\n  - fox\ntrain: x\n"),
    ("flow.yaml", "names: ['cat', dog, \"owl\",\n  fox]\nnc: 4\n"),
    ("map.yaml", "# pets\nnames:\n  0: cat\n  1: dog\n  2: owl\n  3: fox\n"),
    ("top.yml", "- cat\n- dog\n- owl\n- fox\n"),
    ("flowmap.yml", "names: {0: cat, 1: dog, 2: owl, 3: fox}\n"),
    ("level.yaml", "names:\n- cat\n- dog\n- owl\n- fox\nnc: 4\n"),
    ("synset.txt", "n01440764 cat\nn01443537 dog\nn01484850 owl\nn01491361 fox\n"),
    ("numbered.txt", "0 cat\n1 dog\n2 owl\n3 fox\n"), ("colons.txt", "0: cat\n1: dog\n2: owl\n3: fox\n"),
  ])
  func isReadInOrder(_ name: String, _ text: String) throws {
    #expect(try LabelFile.names(in: text, name: name) == Self.pets)
  }

  @Test func commasAndQuotesAreKept() throws {
    #expect(try LabelFile.names(in: "n01440764 tench, Tinca tinca\n", name: "synset.txt") == ["tench, Tinca tinca"])
    #expect(try LabelFile.names(in: "tench, Tinca tinca\nhare\n", name: "l.txt") == ["tench, Tinca tinca", "hare"])
    let table = "id,name\n0,\"tench, Tinca\"\n1,\"the \"\"big\"\" one\"\n"
    #expect(try LabelFile.names(in: table, name: "l.csv") == ["tench, Tinca", "the \"big\" one"])
    #expect(try LabelFile.names(in: "20 km/h\n30 km/h\n", name: "signs.txt") == ["20 km/h", "30 km/h"])
    #expect(try LabelFile.names(in: "a\n\nb\n", name: "l.txt") == ["a", "", "b"])
  }

  @Test(arguments: [
    ("object.json", #"{"architectures": ["ViT"]}"#, "is JSON"), ("broken.json", "[\"cat\", ", "is JSON"),
    ("twice.json", #"{"0": "cat", "1": "dog", "1": "owl"}"#, "is JSON"),
    ("gap.json", #"{"3": "cat", "900": "dog"}"#, "is JSON"), ("none.yaml", "nc: 4\n", "is YAML"),
    ("nested.yaml", "names:\n  0:\n    a: b\n", "is YAML"), ("ragged.csv", "id,name\n0,a,b\n", "is a table"),
    ("many.csv", "x,y\na,b\n", "is a table"), ("map.pbtxt", "item {\n  id: 1\n  name: 'cat'\n}\n", "one label a line"),
    ("part.txt", "\"cat\",\n\"dog\",\n", "one label a line"), ("page.txt", "<html>\n", "one label a line"),
  ])
  func anythingElseIsRefused(_ name: String, _ text: String, _ problem: String) {
    expectError(.badData, saying: problem) { _ = try LabelFile.names(in: text, name: name) }
  }
}
