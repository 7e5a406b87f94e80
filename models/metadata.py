"""Writes the preprocessing and the class names of a network into its .onnx file (see README.md), and reads them."""
from pathlib import Path

import onnx


def write_metadata(path: Path, *, mean, std, resize: str, crop: str, labels: list[str], columns: str = "") -> None:
    # Without loading external data: weights in a file beside the model stay where they are.
    model = onnx.load(path, load_external_data=False)
    onnx.helper.set_model_props(model, {
        "gradcam.mean": ",".join(f"{value:g}" for value in mean),
        "gradcam.std": ",".join(f"{value:g}" for value in std),
        "gradcam.range": "1",
        "gradcam.channels": "rgb",
        "gradcam.layout": "nchw",
        "gradcam.resize": resize,
        "gradcam.crop": crop,
        "gradcam.labels": "\n".join(labels),
        **({"gradcam.columns": columns} if columns else {}),
    })
    onnx.save(model, path)


def read_metadata(path: Path) -> dict[str, str]:
    model = onnx.load(path, load_external_data=False)
    return {entry.key: entry.value for entry in model.metadata_props}


def remove_stack_traces(path: Path) -> None:
    """Removes what the dynamo exporter says of each node's lines of Python: paths on the machine that ran it."""
    model = onnx.load(path, load_external_data=False)
    for node in model.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key != "pkg.torch.onnx.stack_trace"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.save(model, path)
