"""What is explained of an image."""

from __future__ import annotations

import os
import weakref
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..._errors import UnsupportedError, UsageError, error, extents
from ..._png import png

#: Arguments of `Observation.explain_all`.
Question: TypeAlias = "dict[str, Any]"


class ModelTarget:
    """A number of the network's output; an object is given for each image."""

    def question(self, output_shape: tuple[int, ...]) -> Question:
        """What gradcam is asked, of a network whose output for one image has this shape."""
        raise NotImplementedError

    @staticmethod
    def names() -> list[str]:
        """The targets that there are."""
        kinds = [*ModelTarget.__subclasses__(), *_OfCategory.__subclasses__()]
        return sorted(kind.__name__ for kind in kinds if not kind.__name__.startswith("_"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


class _OfCategory(ModelTarget):
    _output = ""

    def __init__(self, category: int) -> None:
        self.category = category

    def question(self, output_shape: tuple[int, ...]) -> Question:
        name, category = type(self).__name__, int(self.category)
        if len(output_shape) != 2:
            raise error(UsageError, name, f"the network gives {extents(output_shape)}, no row of scores",
                        "use SemanticSegmentationTarget for scores of pixels, or wrap the network")
        if not -output_shape[1] <= category < output_shape[1]:
            raise error(UsageError, name, f"there is no category {category}", f"give one of 0 ... {output_shape[1] - 1}")
        return {"target": f"{self._output}[0,{category}]"}


class ClassifierOutputTarget(_OfCategory):
    """The score of a class."""

    _output = "scores"


class ClassifierOutputSoftmaxTarget(_OfCategory):
    """The softmax of a class's score."""

    _output = "softmax"


class ClassifierOutputReST(_OfCategory):
    """The score of a class plus the logarithm of its softmax."""

    _output = "scores_plus_log_softmax"


class BinaryClassifierOutputTarget(ModelTarget):
    """The only score: for category 1 as it is, else its negative."""

    def __init__(self, category: int) -> None:
        self.category = category

    def question(self, output_shape: tuple[int, ...]) -> Question:
        return {**RawScoresOutputTarget().question(output_shape), "counterfactual": int(self.category) != 1}


class RawScoresOutputTarget(ModelTarget):
    """The only score."""

    def question(self, output_shape: tuple[int, ...]) -> Question:
        if int(np.prod(output_shape)) != 1:
            raise error(UsageError, "targets", f"the network gives {extents(output_shape)}, not one number",
                        "use ClassifierOutputTarget")
        return {"target": "scores"}


class SemanticSegmentationTarget(ModelTarget):
    """The sum of a class's scores over a mask.

    category: a number. mask: rows x columns of 0 and 1, of the size of the network's output.
    """

    def __init__(self, category: int, mask: npt.ArrayLike) -> None:
        self.category, self.mask = category, np.asarray(mask)
        self._file: str | None = None

    def question(self, output_shape: tuple[int, ...]) -> Question:
        if len(output_shape) != 4 or self.mask.shape != output_shape[2:]:
            raise error(UsageError, "SemanticSegmentationTarget", f"the mask is {extents(self.mask.shape)}, "
                        f"the network gives {extents(output_shape)}", "give a mask of rows x columns")
        if not np.isin(self.mask, (0, 1)).all():
            raise error(UnsupportedError, "SemanticSegmentationTarget", "the mask has values between 0 and 1",
                        "give one of 0 and 1")
        if self._file is None:
            folder = TemporaryDirectory(prefix="gradcam-")
            weakref.finalize(self, folder.cleanup)
            self._file = os.path.join(folder.name, "mask.png")
            white = np.where(self.mask[:, :, None] != 0, 255, 0).astype(np.uint8)
            with open(self._file, "wb") as file:
                file.write(png(np.broadcast_to(white, (*self.mask.shape, 3))))
        return {"classes": [int(self.category)], "mask": self._file}
