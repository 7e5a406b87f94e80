"""Shows why a convolutional network decided as it did, straight from its exported .onnx file.

    import gradcam

    model = gradcam.Model("vgg19.onnx")
    seen = model("photo.jpg")
    seen.top(5)
    seen.explain(node="features.35").save("why.png")
"""

from ._comparison import Comparison, compare
from ._drift import Drift, drift
from ._errors import Cancelled, DataError, DefectError, Error, ReadError, UnsupportedError, UsageError
from ._evaluation import Evaluation, MetricMean
from ._explanation import Box, Explanation
from ._model import Input, Model, Node, Preprocessing
from ._native import LIBRARY as _LIBRARY
from ._notes import Note, NoteWarning
from ._observation import Class, Observation

__version__: str = _LIBRARY.gradcam_version().decode()

__all__ = [
    "Box", "Cancelled", "Class", "Comparison", "DataError", "DefectError", "Drift", "Error", "Evaluation", "Explanation",
    "Input", "MetricMean", "Model", "Node", "Note", "NoteWarning", "Observation", "Preprocessing", "ReadError",
    "UnsupportedError", "UsageError", "__version__", "compare", "drift", "set_memory_limit",
]


def set_memory_limit(byte_count: int | None) -> None:
    """Sets how much memory the networks of the process may take together; None for the default."""
    from ctypes import c_uint64

    if byte_count is not None and byte_count < 0:
        raise ValueError(f"a limit of {byte_count} bytes: give a positive number, or None")
    _LIBRARY.gradcam_set_memory_limit(c_uint64(byte_count or 0))
