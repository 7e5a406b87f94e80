{
  // in → stem → group(a → b, a → c → b) → tail, with an edge from the stem around the group.
  const node = (index, title, inputs, outputs, extra = {}) => ({
    index, title, name: `/net/${title}`, tensor: `${title}_out`, module: null, operator: "Conv", shape: [1, 8, 4, 4], query: title, mappable: true,
    inputs, outputs, ...extra,
  });
  const model = {
    nodes: [
      node(0, "stem", [], [1, 4]), node(1, "a", [0], [2, 3]), node(2, "c", [1], [3]), node(3, "b", [1, 2], [4], { operator: "Add" }),
      node(4, "tail", [3, 0], [], { mappable: false, shape: [1, 10] }),
    ],
    groups: [
      { id: 0, parent: null, rows: 3, columns: 1, gutters: [1], last: 3,
        cells: [{ node: 0, row: 0, column: 0 }, { group: 1, row: 1, column: 0 }, { node: 4, row: 2, column: 0 }],
        edges: [{ from: 0, to: 1, route: null }, { from: 1, to: 2, route: null }, { from: 0, to: 2, route: { gutter: [0, 0], first: 1, last: 1 } }] },
      { id: 1, parent: 0, rows: 5, columns: 2, gutters: [0, 0], last: 3,
        cells: [{ port: "in", row: 0, column: 0 }, { node: 1, row: 1, column: 0 }, { node: 2, row: 2, column: 1 }, { node: 3, row: 3, column: 0 }, { port: "out", row: 4, column: 0 }],
        edges: [{ from: 0, to: 1, route: null }, { from: 1, to: 2, route: null }, { from: 2, to: 3, route: null }, { from: 1, to: 3, route: { column: 0, first: 2, last: 2 } }, { from: 3, to: 4, route: null }] },
    ],
  };
  const parents = parentsOf(model), closed = new Set([0]), opened = new Set([0, 1]);
  const boxOf = (layout, key) => layout.boxes.find((box) => box.key === key);

  test("closed groups are boxes, one below the other", () => {
    const { boxes, width, height } = layOut(model, closed);
    equal(boxes.map((box) => [box.key, box.x, box.y]), [["n0", 11, 0], ["g1", 11, 84], ["n4", 11, 168]]);
    equal([width, height], [11 + 196, 168 + 34]);
  });

  test("an open group is as large as its grid, and its boxes lie inside of it", () => {
    const layout = layOut(model, opened), group = boxOf(layout, "g1");
    for (const key of ["n1", "n2", "n3"]) {
      const box = boxOf(layout, key);
      equal(box.x >= group.x && box.y > group.y && box.x + box.width <= group.x + group.width && box.y + box.height < group.y + group.height, true);
    }
    equal(boxOf(layout, "n2").x > boxOf(layout, "n1").x, true);
    equal(boxOf(layout, "n4").y, group.y + group.height + 30);
  });

  test("edges end at boxes, and one in a gutter passes beside them", () => {
    const { edges } = layOut(model, closed);
    equal(edges.map((edge) => [edge.from, edge.to]), [["n0", "g1"], ["g1", "n4"], ["n0", "n4"]]);
    equal(edges[0].path, "M109 54V84");
    equal(edges[2].path, "M109 54C109 69 5.5 69 5.5 84V138C5.5 153 109 153 109 168");
  });

  test("an edge to an open group goes on at its port", () => {
    const { edges } = layOut(model, opened);
    const outer = edges.find((edge) => edge.to === "g1").path, inner = edges.find((edge) => edge.from === null).path;
    equal(Number(outer.match(/([\d.]+) [\d.]+$/)?.[1] ?? outer.match(/^M([\d.]+)/)[1]), Number(inner.match(/^M([\d.]+)/)[1]));
  });

  test("small groups are open at first, large ones only while few boxes are shown", () => {
    equal(openedAtFirst(model), [0, 1]);
    const cells = (count, from) => Array.from({ length: count }, (_, row) => ({ node: from + row, row, column: 0 }));
    const large = { groups: [{ id: 0, cells: [{ group: 1 }, { group: 2 }] }, { id: 1, cells: cells(9, 0) }, { id: 2, cells: cells(9, 9) }] };
    equal(openedAtFirst(large), [0, 1]);
  });

  test("a node in a closed group is shown by the outermost closed one", () => {
    equal(shownBox(2, parents, closed), "g1");
    equal(shownBox(2, parents, opened), "n2");
    equal(ancestorsOf("n2", parents), [1, 0]);
  });

  test("arrows follow edges and rows", () => {
    const step = (direction, key, set) => {
      const layout = layOut(model, set);
      return boxTowards(direction, boxOf(layout, key), layout, model, set)?.key ?? null;
    };
    equal(step("down", "n0", closed), "g1");
    equal(step("down", "g1", closed), "n4");
    equal(step("up", "n4", closed), "g1");
    equal(step("down", "g1", opened), "n1");
    equal(step("down", "n1", opened), "n2");
    equal(step("up", "n1", opened), "n0");
    equal(step("down", "n4", closed), null);
    equal(step("left", "n0", closed), null);
  });

  test("nodes are found by words of their names, operators, shapes and numbers", () => {
    const found = (query) => searchNodes(model, query).map((node) => node.index);
    equal(found("stem"), [0]);
    equal(found("add"), [3]);
    equal(found("conv 8x4"), [0, 1, 2]);
    equal(found("#2"), [2]);
    equal(found("nothing"), []);
    equal(found(" "), []);
  });

  test("like depth is the same share of the nodes with maps", () => {
    const deep = { nodes: Array.from({ length: 31 }, (_, index) => ({ index: index + 100, mappable: true })) };
    equal([0, 1, 3].map((index) => nodeAtLikeDepth(index, model, deep)), [100, 110, 130]);
    equal(nodeAtLikeDepth(4, model, deep), null);
    equal(nodeAtLikeDepth(115, deep, model), 2);
    equal(nodeAtLikeDepth(3, { ...model, auto: 3 }, { ...deep, auto: 107 }), 107);
  });

  test("shapes and kinds of operators", () => {
    equal([shapeText([1, 64, 56, 56]), shapeText([2, 10]), shapeText([1]), shapeText(null)], ["64 × 56 × 56", "2 × 10", "1", ""]);
    equal([kindOf("Conv"), kindOf("Relu"), kindOf("Foreign")], ["convolution", "activation", "other"]);
  });
}
