{
  const answer = (target = 281) => ({
    target: { name: "tabby", class: target }, method: "gradcam", classes: [], geometry: {}, warnings: [],
    maps: [{ node: 5, map: arrayDocument(Float32Array.from([1, 2]), [1, 2]), rectified: true }, { node: 9, map: arrayDocument(Float32Array.from([-3]), [1, 1]), rectified: true }],
  });

  test("maps are decoded when they are asked for, and written again as they were", () => {
    const explanation = new Explanation(answer());
    equal(explanation.map(5), { node: 5, width: 2, height: 1, values: [1, 2], region: null, rectified: true, empty: false, warnings: [] });
    equal(explanation.map(7), null);
    equal(explanation.complete().maps, answer().maps);
  });

  const fileOf = (entries) => new FileSource({
    about: { images: [{ id: "i", path: "cat.jpg" }] }, models: { net: { argument: "net.onnx" } }, images: {},
    explanations: entries.map((entry) => ({ model: "net", image: "i", method: "gradcam", target: {}, ...entry })),
  });

  test("a file answers the questions that it holds, a class by number and label", async () => {
    const top = { ...answer(), classes: [{ index: 281 }] }, other = { ...answer(3), classes: [{ index: 281 }], target: { class: 3, name: "tiger shark" } };
    const source = fileOf([{ explanation: top }, { target: { class: "tiger shark" }, explanation: other }, { target: { contrast: "1,2" }, explanation: answer(null) }]);
    const ask = async (target) => (await source.explain("net", "i", { method: "gradcam", target })).target.class;
    const asked = [{}, { class: "281" }, { class: "tabby" }, { class: "3" }, { class: "tiger shark" }, { contrast: "1,2" }];
    equal(await Promise.all(asked.map(ask)), [281, 281, 281, 3, 3, null]);
    const refused = await Promise.all([{ class: "4" }, { class: "3", score: "probability" }, { contrast: "2,1" }].map((target) => ask(target).catch((error) => error.message)));
    equal(refused, Array(3).fill("This file does not hold this."));
  });

  test("a file says what it does not hold, and what to run", () => {
    const source = fileOf([]);
    const refusal = source.refusal("single channels");
    equal([refusal.message, refusal.advice], ["This file does not hold single channels.", "For more, run: gradcam serve net.onnx cat.jpg"]);
  });

  const methods = [{ name: "gradcam", quick: true, perNode: true }, { name: "scorecam", quick: false, perNode: true }, { name: "pixels", quick: false, perNode: false }];
  const question = { model: "net", image: "i", method: "gradcam", target: {}, node: 5 };

  test("one question gives the maps of all nodes, and is asked once", async () => {
    const asked = [];
    const source = { explain: async (model, image, parameters) => { asked.push(parameters.nodes); return answer(); } };
    const explanations = new Explanations(source, methods, () => {});
    await Promise.all([explanations.ask(question), explanations.ask({ ...question, node: 9 })]);
    await explanations.ask({ ...question, target: { class: "281" } });
    equal(asked, ["all"]);
    equal([...explanations.state({ ...question, node: 9 }).map.values], [-3]);
    equal(explanations.held().map((held) => held.target), [{}]);
    equal(explanations.reading({ model: "net", image: "i" }).target.name, "tabby");
    equal(explanations.reading({ model: "net", image: "other" }), null);
  });

  test("a slow method is asked node by node, and one without nodes once", async () => {
    const asked = [];
    const source = { explain: async (model, image, { nodes, method }) => {
      asked.push(nodes);
      return { ...answer(), maps: answer().maps.filter((map) => method === "pixels" || nodes.includes(`#${map.node}`)).slice(0, 1) };
    } };
    const explanations = new Explanations(source, methods, () => {});
    for (const node of [5, 9, 5]) await explanations.ask({ ...question, method: "scorecam", node });
    for (const node of [5, 9]) await explanations.ask({ ...question, method: "pixels", node });
    equal(asked, [["#5"], ["#9"], ["auto"]]);
    equal(explanations.state({ ...question, method: "scorecam", node: 9 }).map.width, 1);
    equal(explanations.state({ ...question, method: "pixels", node: 9 }).map.node, 5);
  });

  test("a refused or stopped question is asked again only if one wants to", async () => {
    let times = 0;
    const source = { explain: async (model, image, parameters, { signal }) => {
      times += 1;
      if (times === 1) throw new Refusal("No.", "Do this.");
      return new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(new DOMException("", "AbortError"))));
    } };
    const explanations = new Explanations(source, methods, () => {});
    equal(await explanations.ask(question), null);
    equal(explanations.state(question).refusal.advice, "Do this.");
    equal([await explanations.ask(question), times], [null, 1]);
    const again = explanations.ask(question, true);
    equal([explanations.state(question).refusal, explanations.state(question).progress], [null, 0]);
    explanations.cancel(question);
    equal([await again, explanations.state(question).refusal.message], [null, "Stopped."]);
  });

  test("what no view waits for is given up without a word, and can be asked again", async () => {
    const asked = [];
    const source = { explain: async (model, image, { target }, { signal }) => {
      asked.push(target.class ?? "top");
      if (target.class === "1" && asked.length > 2) return answer();
      return new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(new DOMException("", "AbortError"))));
    } };
    const explanations = new Explanations(source, methods, () => {});
    const other = { ...question, target: { class: "1" } };
    const [first, second] = [explanations.ask(question), explanations.ask(other)];
    explanations.keepOnly([question]);
    const again = explanations.ask(other);
    equal([await second, (await again).document.target.name, explanations.state(other).refusal], [null, "tabby", null]);
    explanations.keepOnly([]);
    equal([await first, explanations.state(question).refusal, explanations.state(question).progress], [null, null, null]);
    equal(asked, ["top", "1", "1"]);
  });

  test("a method that some nodes refuse is asked for one node at a time", async () => {
    const asked = [];
    const source = { explain: async (model, image, { nodes }) => {
      asked.push(nodes);
      if (!nodes.includes("#5")) throw new Refusal("Not here.", null, "unsupported");
      return { ...answer(), maps: answer().maps.slice(0, 1) };
    } };
    const explanations = new Explanations(source, methods, () => {});
    await explanations.ask(question);
    await explanations.ask({ ...question, node: 9 });
    equal(asked, ["all", ["#5"], ["#9"]]);
    equal(explanations.state(question).map.node, 5);
    equal(explanations.state({ ...question, node: 9 }).refusal.message, "Not here.");
  });
}
