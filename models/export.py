"""Exports torchvision's classification models to .onnx with their preprocessing and class names as metadata.

usage: export.py MODEL... [--out DIR] [--exporter dynamo|torchscript] [--weights DEFAULT|NAME|none|FILE.pth]

e.g. export.py resnet50 vgg19 --out models        writes models/resnet50.onnx and models/vgg19.onnx
"""
import argparse
import pickle
import sys
import urllib.error
import warnings
from pathlib import Path

import torch

from metadata import write_metadata
from torchvision_cpu import torchvision

SINGLE_FILE_BYTES = 1.5e9  # protobuf ends at 2 GB; larger weights go into a file beside the model


def build(name: str, weights: str):
    """The model, and the entry of torchvision's weights that tells its preprocessing and its class names."""
    published = torchvision.models.get_model_weights(name)
    entry = published.DEFAULT if weights == "none" or Path(weights).suffix else published[weights]
    options = {}
    if name.startswith("vit_"):
        options["image_size"] = entry.transforms().crop_size[0]
    if name in ("googlenet", "inception_v3"):
        options["transform_input"] = True
        if weights == "none":
            options["init_weights"] = True
    torch.manual_seed(0)
    pretrained = None if weights == "none" or Path(weights).suffix else entry
    model = torchvision.models.get_model(name, weights=pretrained, **options)
    if Path(weights).suffix:
        model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return model.eval(), entry


def export(name: str, weights: str, exporter: str, path: Path) -> None:
    model, entry = build(name, weights)
    transforms = entry.transforms()
    resize, crop = transforms.resize_size[0], transforms.crop_size[0]
    x = torch.randn(1, 3, crop, crop)
    names = dict(input_names=["input"], output_names=["logits"])
    if exporter == "dynamo":
        size = sum(p.numel() * p.element_size() for p in model.parameters())
        torch.onnx.export(model, (x,), path, dynamo=True, external_data=size > SINGLE_FILE_BYTES, verbose=False,
                          **names)
    else:
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=17, **names)
    write_metadata(path, mean=transforms.mean, std=transforms.std, resize=str(resize), crop=str(crop),
                   labels=entry.meta["categories"])
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", metavar="MODEL", nargs="+", help="e.g. resnet50, vgg19, mobilenet_v2, swin_t")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("."))
    parser.add_argument("--exporter", choices=("dynamo", "torchscript"), default="dynamo")
    parser.add_argument("--weights", default="DEFAULT",
                        help="DEFAULT or another name of torchvision's (downloaded), none (random), or a .pth file")
    arguments = parser.parse_args()
    known = torchvision.models.list_models(module=torchvision.models)
    for name in arguments.models:
        if name not in known:
            parser.error(f"torchvision has no classification model {name!r}; it has {', '.join(known)}")
    warnings.filterwarnings("ignore")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.models:
        try:
            export(name, arguments.weights, arguments.exporter, arguments.out / f"{name}.onnx")
        except urllib.error.URLError as error:
            sys.exit(f"{name}: the weights cannot be downloaded ({error.reason}); give --weights FILE.pth or none")
        except (FileNotFoundError, KeyError, pickle.UnpicklingError) as error:
            sys.exit(f"{name}: no weights {arguments.weights!r} ({error})")


if __name__ == "__main__":
    main()
