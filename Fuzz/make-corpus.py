#!/usr/bin/env python3
"""Writes the seeds of the fuzzers into Fuzz/Corpus; needs the package onnx.

Models are ONNX's tests of single operators, the two smallest of each operator, with integer and Boolean inputs as
constants, and the small networks of the tests; pictures, archives and arrays are the tests' files. Seeds of the other fuzzers,
which are texts, are in this script.

    make-corpus.py [--only NAME]

What fuzzing finds besides is merged by 'make fuzz-corpus', which keeps only what covers more.
"""

import argparse
import base64
import hashlib
import shutil
import warnings
from collections import defaultdict
from pathlib import Path

FUZZ = Path(__file__).parent
TESTS = FUZZ.parent / "Tests"
CORPUS = FUZZ / "Corpus"
LIMIT = 24_000  # bytes of a seed
ROW_COLUMNS = ("image,configuration,model,node,method,concept,target,class,label,box,score,probability,output,warnings,"
               "average-drop,increase,error,sha256")
SLOW = {"function_doubling.onnx"}  # under AddressSanitizer it takes longer than an input may



def fingerprint(method=""):
    """That of rows in tables of the configuration `{"version": "0"}`."""
    return hashlib.sha256("\0".join(["version", "0", method]).encode()).hexdigest()[:16]


# A PNG file of one pixel.
PIXEL = base64.b64encode((TESTS / "CommandTests/Fixtures/pixel.png").read_bytes()).decode()

TEXTS = {
    "request": {
        "about": "GET /v1\n",
        "model": "GET /v1/models/plain\n",
        "explain": 'POST /v1/models/plain:explain\n{"instances": [{"image": {"b64": "%s"}}], "parameters": {"nodes": "all", '
        '"method": "layercam", "target": {"class": 1, "score": "probability", "counterfactual": true}, "classes": 2}}' % PIXEL,
        "contrast": 'POST /v1/models/plain:explain\n{"instances": [{"image": {"b64": "%s"}}], "parameters": {"nodes": '
        '["auto", "#0"], "target": {"contrast": "0,1"}}}' % PIXEL,
        "elements": 'POST /v1/models/plain:explain\n{"instances": [{"image": {"b64": "%s"}}], "parameters": {"target": '
        '{"elements": "output[0,1]"}}}' % PIXEL,
        "channels": 'POST /v1/models/plain:channels\n{"instances": [{"image": {"b64": "%s"}}], "parameters": {"node": '
        '"auto", "count": 3, "target": {"detection": 0, "columns": ["output=score*"]}}}' % PIXEL,
        "upload": "POST /v1/images\nnot a picture",
        "forget": "DELETE /v1/images/00112233445566778899aabbccddeeff\n",
        "raw": "!GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "chunked": "!POST /v1/images HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    },
    "metadata": {
        "preset.json": '{"preset": "caffe", "size": [224, 224], "labels": ["cat", "dog"]}',
        "entries.json": '{"gradcam.mean": [0.485, 0.456, 0.406], "gradcam.std": "0.2,0.2,0.2", "gradcam.range": 255, '
        '"gradcam.channels": "bgr", "gradcam.resize": "256", "gradcam.crop": "224x224", "layout": "nhwc", '
        '"interpolation": "bicubic", "note\\u00e9": null}',
        "groups.json": '{"preprocessing": {"mean": 0.5, "std": [0.5]}, "gradcam": {"labels": {"0": "a", "1": "b"}}}',
        "transformers.json": '{"architectures": ["ViTForImageClassification"], "model_type": "vit", "image_size": 224, '
        '"id2label": {"0": "cat", "1": "dog"}, "vision_config": {"image_size": [224, 196]}}',
        "timm.json": '{"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, 224, 224], "mean": [0.5, 0.5, 0.5], '
        '"std": [1, 1, 1], "crop_pct": 0.95, "crop_mode": "center", "interpolation": "bicubic", "label_names": ["x"], '
        '"label_descriptions": {"x": "an x"}}}',
        "processor.json": '{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": {"shortest_edge": 256}, '
        '"crop_size": {"height": 224, "width": 224}, "do_resize": true, "do_rescale": true, "rescale_factor": 0.00392, '
        '"resample": 3, "do_normalize": true, "image_processor_type": "CLIPImageProcessor"}',
        "ultralytics.txt": "names={0: 'person', 1: \"it's\", 2: 'x'}\nimgsz=[640, 640]\ntask=detect\nstride=32\n",
        "standard.txt": "Image.BitmapPixelFormat=Bgr8\nImage.ColorSpaceGamma=SRGB\nImage.NominalPixelRange="
        "NominalRange_0_255\ngradcam.labels=cat\ngradcam.preset=tf\ngradcam.size=224\n",
    },
    "labels": {
        "lines.txt": "cat\ndog\nbird\n",
        "synsets.txt": "n01440764 tench, Tinca tinca\nn01443537 goldfish\n",
        "numbered.txt": "0: cat\n1: dog\n",
        "list.json": '["cat", "dog", "b\\u0069rd"]',
        "map.json": '{"id2label": {"0": "cat", "1": "dog"}}',
        "index.json": '{"class_to_idx": {"cat": 0, "dog": 1}}',
        "torchvision.json": '{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}',
        "names.yaml": "path: data\nnames:\n  0: cat\n  1: 'dog'  # a comment\n",
        "flow.yaml": "names: [cat, \"dog\",\n  bird]\n",
        "block.yaml": "- cat\n- 'dog'\n",
        "table.csv": 'index,display_name\n1,"dog, domestic"\n0,cat\n',
    },
    "boxes": {
        "own.json": '{"cat.jpg": [{"label": "cat", "box": [1, 2, 30, 40]}], "dog.png": [{"label": 1, "box": [0, 0, 5, 5]}]}',
        "coco.json": '{"images": [{"id": 1, "file_name": "cat.jpg", "width": 64, "height": 48}], "categories": '
        '[{"id": 3, "name": "cat"}], "annotations": [{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4.5]}]}',
        "voc.xml": "<annotation><filename>cat.jpg</filename><size><width>64</width><height>48</height></size><object>"
        "<name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>"
        "</annotation>",
        "entities.xml": "<?xml version='1.0'?><!DOCTYPE annotation><!-- x --><annotation><filename>a&amp;&#65;.png"
        "</filename><object><name><![CDATA[cat]]></name></object></annotation>",
        "yolo.txt": "0 0.5 0.5 0.25 0.5\n1 0.2 0.2 0.1 0.1\n",
        "table.csv": "picture,label,left,top,right,bottom\ncat.jpg,cat,1,2,30,40\nimages/dog.png,dog,0,0,5,5\n",
        "retinanet.csv": "cat.jpg,1,2,30,40,cat\n",
        "truth.csv": "picture,label\ncat.jpg,cat\n",
        "darknet.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\ncat.jpg,64,48,cat,1,2,30,40\n",
    },
    "log": {
        "log.jsonl": '{"configuration":{"version":"0"}}\n'
        f'{{"class":1,"configuration":"{fingerprint("gradcam")}","image":"a.png","label":"dog","method":"gradcam",'
        '"metrics":{"average-drop":0.5,"increase":null},"model":"m.onnx","node":"auto","probability":0.25}\n'
        f'{{"configuration":"{fingerprint()}","error":"cannot be read","image":"b.png","model":"m.onnx"}}\n'
        '{"configuration":"0","image":"c.png","mo',
        "log.csv": f"{ROW_COLUMNS}\n"
        f'a.png,{fingerprint("gradcam")},m.onnx,auto,gradcam,,,1,"d, ""o""g",1.0 2.0 3.5 4.0,1.5,0.25,,,0.5,,,\n'
        f"b.png,{fingerprint()},m.onnx,,,,,,,,,,,,,,cannot be read,\nc.png,0,m",
        "head.csv": ROW_COLUMNS,
        "none": "",
    },
}


def write_models(folder):
    import onnx
    from onnx import TensorProto, numpy_helper
    from onnx.backend.test.case.node import collect_testcases

    floating = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
    found = defaultdict(list)
    for case in collect_testcases(None):
        model = case.model
        inputs = case.data_sets[0][0] if case.data_sets else []
        for value, declared in zip(inputs, list(model.graph.input)):
            kind = declared.type.WhichOneof("value")
            if kind != "tensor_type" or declared.type.tensor_type.elem_type in floating:
                continue
            tensor = value if isinstance(value, TensorProto) else numpy_helper.from_array(value)
            tensor.name = declared.name
            model.graph.initializer.append(tensor)
            model.graph.input.remove(declared)
        data = model.SerializeToString()
        operators = sorted({(node.domain, node.op_type) for node in model.graph.node})
        if len(operators) <= 2 and len(data) <= 4000:
            found[tuple(operators)].append((len(data), case.name, data))
    for cases in found.values():
        for _, name, data in sorted(cases)[:2]:
            (folder / f"{name.removeprefix('test_')}.onnx").write_bytes(data)
    for pattern in ("GradCAMTests/Fixtures/*/*.onnx", "CommandTests/Fixtures/*.onnx", "ONNXLoaderTests/Fixtures/*.onnx"):
        for path in sorted(TESTS.glob(pattern)):
            if path.stat().st_size <= LIMIT and path.name not in SLOW:
                shutil.copy(path, folder / f"{path.parent.name}-{path.name}")


def copy(folder, patterns):
    for pattern in patterns:
        for path in sorted(TESTS.glob(pattern)):
            if path.stat().st_size <= LIMIT:
                shutil.copy(path, folder / path.name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only")
    only = parser.parse_args().only
    warnings.simplefilter("ignore")
    for name in ["model", "picture", "archive", "npy", "numbers", "plugin", *TEXTS]:
        if only not in (None, name):
            continue
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        if name == "model":
            write_models(folder)
        elif name == "picture":
            copy(folder, ["GradCAMTests/Fixtures/imaging/*.png", "GradCAMTests/Fixtures/imaging/*.jpg",
                          "GradCAMTests/Fixtures/imaging/formats/*[!y]",
                          "CommandTests/Fixtures/*.jpg", "CommandTests/Fixtures/*.png"])
        elif name == "archive":
            copy(folder, ["GradCAMTests/Fixtures/archives/*.tar", "GradCAMTests/Fixtures/archives/*gz"])
        elif name == "npy":
            copy(folder, ["GradCAMTests/Fixtures/imaging/npy-*.npy"])
        elif name == "numbers":
            copy(folder, ["GradCAMTests/Fixtures/numbers/*.wav", "GradCAMTests/Fixtures/numbers/*.nii",
                          "GradCAMTests/Fixtures/numbers/*.nii.gz"])
        elif name == "plugin":
            (folder / "usual").write_bytes(bytes(64))
            (folder / "mixed").write_bytes(bytes(range(0, 256, 3)) * 4)
        for file, text in TEXTS.get(name, {}).items():
            (folder / file).write_text(text)


main()
