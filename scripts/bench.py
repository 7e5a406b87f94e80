#!/usr/bin/env python3
"""Times gradcam beside ONNX Runtime, OpenVINO and pytorch-grad-cam, and writes the tables of docs/performance.md.

    bench.py [--program FILE] [--models NAME...] [--rounds N] [--runs N] [--tables warm|cold|many...] [--images FOLDER]
             [--forward-only] [--dry]

Needs a release build of gradcam and a Python with torch, torchvision, onnx, onnxruntime, openvino, grad-cam,
opencv-python and Pillow. Models are exported into .build/bench once: seeded random weights, batch 1, 224 x 224, opset 17. Every figure is
the median of several processes that take turns (A B C A B C ...), every ratio the median of the ratios of each turn:
that way, drift and other load on the machine affect all of them alike.
"""

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".build/bench"
PAGE = ROOT / "docs/performance.md"
MODELS = [
    "vgg19", "vgg16", "resnet50", "resnet18", "googlenet", "densenet121", "squeezenet1_1", "mobilenet_v2",
    "efficientnet_b0", "convnext_tiny", "vit_b_16",
]
# Of these, pytorch-grad-cam needs to be told how tokens lie in the picture.
WITHOUT_MODULE = {"vit_b_16"}
THREADS = 2
IMAGE_COUNT = 64

sys.path.insert(0, str(ROOT / "models"))


# These run in processes of their own, so that this one stays small: a child's peak memory starts at its parent's.


def build(name):
    """The torchvision model with seeded weights, no two constants alike: fresh normalisations would change nothing."""
    import torch
    from torchvision_cpu import torchvision

    torch.manual_seed(0)
    model = torchvision.models.get_model(name, **options(name)).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
    return model


def options(name):
    """Leaves out the slow initialisation, as torchvision does when it loads weights."""
    return {"init_weights": False} if name == "googlenet" or name.startswith("vgg") else {}


def saved(name):
    """The same model from its weights file, as a user's script would load it."""
    import torch
    from torchvision_cpu import torchvision

    model = torchvision.models.get_model(name, **options(name))
    model.load_state_dict(torch.load(weights_path(name), weights_only=True))
    return model.eval()


def peer_export(arguments):
    """Writes a model's weights and its .onnx file."""
    import torch

    name = arguments.model
    model = build(name)
    partial = FOLDER / f"{name}.partial"
    torch.save(model.state_dict(), partial)
    partial.rename(weights_path(name))
    torch.onnx.export(model, (torch.randn(1, 3, 224, 224),), str(partial), dynamo=False, opset_version=17)
    partial.rename(model_path(name))
    return {}


def peer_forward(arguments):
    """ONNX Runtime, forward pass alone, the session already open."""
    session, run = opened(arguments.model)
    return timed(run, arguments.runs)


def peer_openvino(arguments):
    """OpenVINO, forward pass alone, the model already compiled, in float32."""
    import numpy
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(arguments.model), "CPU", {
        "INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(
        numpy.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(numpy.float32)))
    return timed(request.infer, arguments.runs)


def peer_open(arguments):
    """ONNX Runtime: opens a file and runs it once."""
    opened(arguments.model)[1]()
    return {}


def opened(path):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    image = numpy.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(numpy.float32)
    feed = {session.get_inputs()[0].name: image}
    return session, lambda: session.run(None, feed)


def peer_gradcam(arguments):
    """pytorch-grad-cam with the model loaded."""
    import torch
    import torchvision_cpu  # noqa: F401, before the next two import torchvision
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    torch.set_num_threads(THREADS)
    model = build(arguments.model)
    explain = GradCAM(model=model, target_layers=[model.get_submodule(arguments.module)])
    image = torch.randn(1, 3, 224, 224)
    return timed(lambda: explain(input_tensor=image, targets=[ClassifierOutputTarget(5)]), arguments.runs)


def peer_script(arguments):
    """One picture from a cold start, as pytorch-grad-cam's own example does it."""
    import cv2
    import numpy
    import torchvision_cpu  # noqa: F401, before the next two import torchvision
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.image import preprocess_image, show_cam_on_image

    model = saved(arguments.model)
    picture = numpy.float32(cv2.resize(cv2.imread(arguments.image)[:, :, ::-1], (224, 224))) / 255
    tensor = preprocess_image(picture, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    explain = GradCAM(model=model, target_layers=[model.get_submodule(arguments.module)])
    heat = explain(input_tensor=tensor, targets=None)[0]
    cv2.imwrite(arguments.output, show_cam_on_image(picture, heat, use_rgb=True)[:, :, ::-1])
    return {}


def peer_photographs(arguments):
    """Writes camera-like pictures, smooth shapes with noise, as JPEG files of 1024 x 768."""
    import numpy
    from PIL import Image

    for index in range(IMAGE_COUNT):
        random = numpy.random.default_rng(index)
        layers = [
            numpy.asarray(Image.fromarray(random.integers(0, 256, (3 * side // 4, side, 3), dtype=numpy.uint8)).resize(
                (1024, 768), Image.Resampling.BICUBIC), dtype=numpy.float32) for side in (8, 32, 128)]
        picture = 0.6 * layers[0] + 0.3 * layers[1] + 0.1 * layers[2] + random.normal(0, 4, (768, 1024, 1))
        Image.fromarray(picture.clip(0, 255).astype(numpy.uint8)).save(
            Path(arguments.model) / f"photograph-{index:02}.jpg", quality=92)
    return {}


def peer_module(arguments):
    """The module whose output a node is, or the module around it if hooks cannot distinguish the node."""
    import torch
    from torchvision_cpu import torchvision

    name, path = arguments.model, arguments.module
    # A functional call after the last module (DenseNet's relu), and an activation that a block calls several times.
    around = {"densenet121": "features", "resnet50": "layer4", "resnet18": "layer4"}
    with torch.device("meta"):
        modules = dict(torchvision.models.get_model(name, **options(name)).named_modules())
    path = around.get(name, path)
    if path not in modules:
        sys.exit(f"{name} has no module '{path}'")
    return {"module": path}


def timed(run, runs):
    for _ in range(2):
        run()
    milliseconds = []
    for _ in range(runs):
        started = time.perf_counter()
        run()
        milliseconds.append((time.perf_counter() - started) * 1e3)
    return {"median": statistics.median(milliseconds)}


# These measure from outside.


def model_path(name):
    return FOLDER / f"{name}.onnx"


def weights_path(name):
    return FOLDER / f"{name}.pth"


def environment():
    """The user's environment without the settings that make OpenBLAS slower than its own choice."""
    return {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}


def run(command):
    """The output, wall time in milliseconds and largest resident set in MB of a process."""
    with open(FOLDER / "errors.txt", "w+b") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment())
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = (time.perf_counter() - started) * 1e3
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{' '.join(map(str, command))} failed:\n{errors.read().decode(errors='replace')[-2000:]}")
    return output.decode(), elapsed, usage.ru_maxrss / 1024


def gradcam(*arguments):
    return run([PROGRAM, *map(str, arguments)])


def peer(name, *arguments):
    return run([sys.executable, "-W", "ignore", __file__, "--peer", name, *map(str, arguments)])


def bench(name, runs):
    return json.loads(gradcam("bench", model_path(name), "--threads", THREADS, "--runs", runs, "--json")[0])


def module_of(name, node):
    return json.loads(peer("module", name, node)[0])["module"]


def median_ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs))


def take_turns(rounds, *measures):
    """A B C A B C ...: the figures of each, by turn."""
    turns = [[measure() for measure in measures] for _ in range(rounds)]
    return list(zip(*turns))


def table(header, rows):
    return "\n".join([row(header), "|" + "|".join("---" if i == 0 else "---:" for i in range(len(header))) + "|",
                      *map(row, rows)])


def row(cells):
    return "| " + " | ".join(cells) + " |"


def warm_table(arguments):
    rows = []
    for name in arguments.models:
        node = bench(name, 1)["node"]
        explains = not arguments.forward_only and name not in WITHOUT_MODULE
        module = module_of(name, node) if explains else None
        figures = take_turns(
            arguments.rounds,
            lambda: bench(name, arguments.runs)["whole_ms"]["median"],
            lambda: json.loads(peer("forward", model_path(name), "--runs", arguments.runs)[0])["median"],
            lambda: json.loads(peer("openvino", model_path(name), "--runs", arguments.runs)[0])["median"],
            *([lambda: json.loads(peer("gradcam", name, module, "--runs", arguments.runs)[0])["median"]]
              if explains else []),
        )
        ours, runtime, openvino = figures[:3]
        faster = [min(pair) for pair in zip(runtime, openvino)]
        at = f"`{node}`" if node == module or module is None else f"`{node}` (`{module}`)"
        rows.append([
            name, at, *(f"{statistics.median(one):.1f}" for one in figures), *([] if explains else ["–"]),
            f"{median_ratio(ours, runtime):.2f}", f"{median_ratio(ours, openvino):.2f}",
            f"{median_ratio(ours, faster):.2f}", f"{median_ratio(ours, figures[3]):.2f}" if explains else "–",
        ])
        print(row(rows[-1]), flush=True)
    return table(
        ["model", "node (module)", "gradcam, ms", "ONNX Runtime, forward only, ms", "OpenVINO, forward only, ms",
         "pytorch-grad-cam, ms", "÷ ONNX Runtime", "÷ OpenVINO", "÷ the faster of both", "÷ pytorch-grad-cam"], rows)


def cold_table(arguments):
    rows = []
    picture, output = arguments.photographs[0], FOLDER / "map.png"
    for name, node in [("vgg19", "features.35"), ("mobilenet_v2", "features.18")]:
        if name not in arguments.models:
            continue
        module = module_of(name, node)

        def ours():
            return gradcam(
                "explain", model_path(name), picture, "--node", node, "--threads", THREADS, "--output", output)

        ours()
        peer("open", model_path(name))
        cold, python, opening = take_turns(
            arguments.rounds, ours, lambda: peer("script", name, module, picture, output),
            lambda: peer("open", model_path(name)))
        times = [[figure[1] for figure in figures] for figures in (cold, python, opening)]
        peaks = [max(figure[2] for figure in figures) for figures in (cold, python, opening)]
        rows.append([
            name, *(f"{statistics.median(figures):.0f}" for figures in times),
            f"1/{1 / median_ratio(times[0], times[1]):.0f}", f"1/{1 / median_ratio(times[0], times[2]):.1f}",
            *(f"{peak:.0f}" for peak in peaks), f"{model_path(name).stat().st_size / 2**20:.0f}",
        ])
        print(row(rows[-1]), flush=True)
    return table(
        ["model", "gradcam, ms", "pytorch-grad-cam script, ms", "ONNX Runtime, opened and run once, ms",
         "÷ pytorch-grad-cam", "÷ ONNX Runtime", "peak memory, MB: gradcam", "pytorch-grad-cam", "ONNX Runtime",
         "model file"], rows)


def many_table(arguments):
    rows = []
    folder = FOLDER / "maps"
    for name in ["resnet50", "mobilenet_v2"]:
        if name not in arguments.models:
            continue
        photographs = (arguments.photographs * IMAGE_COUNT)[:IMAGE_COUNT]

        def explain(pictures):
            return gradcam(
                "explain", model_path(name), *pictures, "--threads", THREADS, "--output", f"{folder}/", "--json")

        explain(photographs[:9])
        many, one, single = take_turns(
            arguments.rounds, lambda: explain(photographs), lambda: explain(photographs[:1]),
            lambda: bench(name, arguments.runs)["whole_ms"]["median"])
        rates = [IMAGE_COUNT / figure[1] * 1e3 for figure in many]
        processes = [1e3 / figure[1] for figure in one]
        bare = [1e3 / milliseconds for milliseconds in single]
        rows.append([
            name, *(f"{statistics.median(figures):.1f}" for figures in (rates, bare, processes)),
            f"{median_ratio(rates, bare):.2f}", f"{median_ratio(rates, processes):.1f}",
            f"{max(figure[2] for figure in many):.0f}",
        ])
        print(row(rows[-1]), flush=True)
    return table(
        ["model", f"explain, {IMAGE_COUNT} photographs, images/s", "network and map alone, one at a time, images/s",
         "one process per image, images/s", "÷ network alone", "÷ one process per image", "peak memory, MB"], rows)


def photographs(folder):
    """The pictures of the user's folder, else generated ones."""
    if folder is None:
        folder = FOLDER / "photographs"
        if not folder.exists():
            partial = FOLDER / "photographs.partial"
            partial.mkdir(exist_ok=True)
            peer("photographs", partial)
            partial.rename(folder)
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))


def machine():
    """What the figures were measured on."""
    name = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    packages = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package} ${Version}\n", "libopenblas0-*"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()
    package = ", ".join(line[3:].strip() for line in packages if line.startswith("ii"))
    program = gradcam("--version")[0].strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True, stdout=subprocess.PIPE).stdout
    versions = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "openvino", "torch", "torchvision", "grad-cam"))
    return (
        f"{date.today()}, {name[1] if name else platform.machine()}, {os.cpu_count()} cores, {THREADS} threads each; "
        f"gradcam {program} ({commit.strip()}), {package}, {versions}, Python {platform.python_version()}.")


def write(sections):
    """Replaces the text between a section's two comments on the page; the prose around it stays."""
    page = PAGE.read_text()
    for name, text in sections.items():
        start, end = f"<!-- {name}: written by make bench -->", f"<!-- end of {name} -->"
        before, found, rest = page.partition(start)
        after = rest.partition(end)[2]
        if not found:
            sys.exit(f"{PAGE} lacks the comment {start}")
        page = f"{before}{start}\n{text}\n{end}{after}"
    PAGE.write_text(page)


def main():
    peers = {
        "export": peer_export, "photographs": peer_photographs, "module": peer_module, "forward": peer_forward,
        "openvino": peer_openvino, "open": peer_open, "gradcam": peer_gradcam, "script": peer_script,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    if "--peer" in sys.argv:
        parser.add_argument("--peer", choices=peers)
        parser.add_argument("model")
        names = {"module": ["module"], "gradcam": ["module"], "script": ["module", "image", "output"]}
        for name in names.get(sys.argv[sys.argv.index("--peer") + 1], []):
            parser.add_argument(name)
        parser.add_argument("--runs", type=int)
        arguments = parser.parse_args()
        print(json.dumps(peers[arguments.peer](arguments)))
        return
    parser.add_argument(
        "--program", type=Path, default=ROOT / ".build/release/gradcam", help="the program to be measured")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, metavar="NAME", help="what to measure")
    parser.add_argument("--rounds", type=int, default=5, help="turns; 5 by default")
    parser.add_argument("--runs", type=int, default=10, help="counted runs in a process; 10 by default")
    parser.add_argument("--images", type=Path, help="a folder of photographs instead of the generated ones")
    parser.add_argument("--tables", nargs="+", choices=["warm", "cold", "many"], default=["warm", "cold", "many"])
    parser.add_argument("--forward-only", action="store_true", help="leave pytorch-grad-cam out of the first table")
    parser.add_argument("--dry", action="store_true", help="only print; leave docs/performance.md as it is")
    arguments = parser.parse_args()
    global PROGRAM
    PROGRAM = arguments.program.resolve()
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing; run 'make build'")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in arguments.models:
        if not model_path(name).exists() or not weights_path(name).exists():
            print(f"exporting {name}", file=sys.stderr)
            peer("export", name)
    arguments.photographs = photographs(arguments.images)
    measures = {"warm": warm_table, "cold": cold_table, "many": many_table}
    sections = {name: measures[name](arguments) for name in arguments.tables}
    sections = {name: f"{machine()}\n\n{text}" for name, text in sections.items()}
    if arguments.dry:
        print("\n\n".join(sections.values()))
    else:
        write(sections)
        print(f"written to {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
