// Opens a model, explains a picture's top class at a node, and draws it. Repeated in docs/embedding.md and the DocC
// documentation.
// snippet.show
import GradCAM

let model = try Model(contentsOf: "models/shapes-resnet.onnx")
let explainer = try Explainer(model, nodes: ["auto"])
let picture = try Picture(contentsOf: "models/samples/pair-006-star-cross.png")
let image = try explainer.prepare(picture)
let observation = try explainer.observe(image)
let best = try explainer.classes(of: observation, count: 1)[0]
let explanation = try explainer.explain(classIndex: best.index, of: observation, methods: ["gradcam"])[0]
try DrawingStyle.overlay.draw(explanation.drawnMap(), on: picture, colormap: .jet, blend: 0.5).write(to: "map.png")
print("\(best.label ?? "class \(best.index)") at \(explanation.node): map.png")
