{
  const seen = {
    argument: "models/resnet50.onnx", options: ["--preset", "raw"], image: { id: "a", path: "my photos/it's.jpg" }, images: [{ id: "b", path: null, name: "other.png" }],
    node: "layer4.2", method: "gradcam++", target: {}, shownClass: 281, output: "it-s.resnet50.layer4.2.gradcam",
    settings: { style: "overlay", colormap: "jet", blend: 0.5, threshold: 0, signed: false },
  };

  test("the command names what is seen and is quoted for a shell", () => {
    equal(commandFor(seen), "gradcam explain models/resnet50.onnx 'my photos/it'\\''s.jpg' --preset raw --node layer4.2 --class 281 --method gradcam++ "
      + "--colormap jet --blend 0.5 --output it-s.resnet50.layer4.2.gradcam.png");
  });

  test("each target has its options", () => {
    const options = (target) => commandFor({ ...seen, target }).match(/layer4\.2 (.*) --method/)[1];
    equal(options({ class: "tiger cat" }), "--class 'tiger cat'");
    equal(options({ contrast: "281,282", counterfactual: true }), "--contrast 281,282 --counterfactual");
    equal(options({ detection: 0, columns: ["output0=cxcywh,score*80"] }), "--detection 0 --columns 'output0=cxcywh,score*80'");
    equal(options({ elements: "mask:1", columns: ["output0=box"] }), "--target mask:1 --columns output0=box");
    equal(options({ elements: "output0[0]", columns: ["output0=box"] }), "--target 'output0[0]'");
    equal(options({ boxesOf: "dog:0.4", iou: 0.5 }), "--boxes-of dog:0.4 --iou 0.5");
    equal(options({ embedding: { id: "b" } }), "--embedding other.png");
    equal(commandFor({ ...seen, image: { path: null, name: "-x.jpg" } }).includes(" ./-x.jpg "), true);
    equal(options({ elements: "out[0,5]" }), "--target 'out[0,5]'");
    equal(options({ class: "-x" }), "--class=-x");
    equal(options({ class: "3", mask: { b64: "x" } }), "--class 3 --mask mask.png");
    equal(options({ score: "probability" }), "--class 281 --score probability");
  });

  test("what the command cannot do is said", () => {
    equal(commandLimits(seen.settings, {}), null);
    equal(commandLimits(seen.settings, {}, { title: "channel 3, activation" }), "The command draws the node's map, not the single channel.");
    equal(commandLimits({ ...seen.settings, signed: true, threshold: 0.2 }, {}), "The command draws without the threshold.");
  });

  test("words of a shell", () => {
    equal(["a-b/c.png", "#12", "-x", "", "a b", "$HOME"].map(shellWord), ["a-b/c.png", "'#12'", "-x", "''", "'a b'", "'$HOME'"]);
    // fish takes \' in single quotes for a quote.
    equal(["it's", "\\'; x '", "=ls"].map(shellWord), ["'it'\\''s'", "''\\\\''\\''; x '\\'''", "'=ls'"]);
  });

  test("what a terminal obeys is not in a word of a shell", () => {
    const words = ["a\x1b[201~\nb'", "\x031", "\u202ea\\"].map(shellWord);
    equal(words, ["$'a\\033[201~\\012b\\''", "$'\\0031'", "$'\\342\\200\\256a\\\\'"]);
  });

  test("names of files have no signs that file systems refuse", () => {
    equal(stemOf("photos/my cat?.jpeg"), "my-cat-");
    equal(fileStem({ image: "cat", model: "net", node: "/layer1/Conv", method: "gradcam++" }), "cat.net.layer1-Conv.gradcam");
    const long = fileStem({ image: "जंगली बिल्ली".repeat(30), model: "網".repeat(99), node: "/a".repeat(99), method: "gradcam" });
    equal([new TextEncoder().encode(long).length < 250, long.startsWith("जंगली-बिल्ली"), long.split(".").length], [true, true, 4]);
  });

  const defaults = { style: "overlay", colormap: "jet", blend: 0.5, threshold: 0, signed: false };
  const state = {
    image: "abc", active: 1, linked: false, settings: { ...defaults, colormap: "viridis", blend: 0.25, signed: true },
    views: [{ model: "a", node: "layer4.2", method: "gradcam", target: { class: "281" } }, { model: "b", node: "#3", method: "hirescam", target: { contrast: "1,2" } }],
  };

  test("an address gives back the state that it came from", () => {
    equal(stateOfAddress(`#${addressOf(state, defaults)}`, defaults), {
      views: state.views, image: "abc", active: 1, linked: false, settings: { ...state.settings },
    });
  });

  test("an address leaves out what is usual, and pictures in targets", () => {
    const plain = { image: null, active: 0, linked: true, settings: defaults, views: [{ model: "a", node: "x/y", method: "gradcam", target: { mask: { b64: "…" } } }] };
    equal(addressOf(plain, defaults), "model=a&node=x/y&method=gradcam");
  });

  test("nonsense in an address is ignored", () => {
    const { views, active, settings } = stateOfAddress("#model=a&target=[1&blend=7&threshold=x&view=9", defaults);
    equal([views[0].target, active, settings.blend, settings.threshold], [{}, 0, 0.5, 0]);
  });

  test("base64 and arrays of numbers go both ways", () => {
    const values = Float32Array.from([1, -2.5, NaN, 3e-40]);
    equal(floatsOf(arrayDocument(values, [2, 2])), values);
    equal(base64OfBytes(bytesOfBase64("AAECAwQ=")), "AAECAwQ=");
  });

  test("a NumPy file has its header and numbers", () => {
    const bytes = npyBytes(Float32Array.from([1, 2, 3, 4, 5, 6]), [2, 3]);
    const text = new TextDecoder("latin1").decode(bytes.subarray(0, 128));
    equal([bytes.length, text.slice(1, 6), text.charCodeAt(8) + 10, text.at(-1)], [128 + 24, "NUMPY", 128, "\n"]);
    equal(text.includes("'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"), true);
    equal(new DataView(bytes.buffer).getFloat32(128 + 20, true), 6);
  });

  test("equal objects have equal texts", () => {
    equal(canonicalJSON({ b: 1, a: { d: [2, 1], c: null } }), '{"a":{"c":null,"d":[2,1]},"b":1}');
  });

  test("numbers for people", () => {
    equal([0, 12.34567, 1e-6, 123456, NaN].map(shortNumber), ["0", "12.35", "1.00·10^-6", "1.23·10^5", "–"]);
    equal([0.6217, 0.0312, 0.02, 0.0004, 1, 0].map(percent), ["62 %", "3.1 %", "2.0 %", "< 0.1 %", "100 %", "0 %"]);
  });

  test("classes are found by label and number", () => {
    const model = { classes: ["tabby", "tiger cat", "Egyptian cat", "lynx"], classCount: 4 };
    equal(classItems(model, "cat").map((item) => item.value), [1, 2]);
    equal(classItems(model, "t").map((item) => item.value), [0, 1, 2]);
    equal(classItems(model, "3").map((item) => item.label), ["lynx"]);
    equal(classItems({ classes: null, classCount: 2 }, "").map((item) => item.label), ["class 0", "class 1"]);
  });
}
