"""The methods of pytorch-grad-cam, under its names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._errors import UnsupportedError, error
from .._observation import Observation
from .._torch import Net, Tensor
from .base_cam import BaseCAM, Map, _Prepared
from .utils.model_targets import ModelTarget, Question

Transform = Callable[[Tensor], Tensor]


class GradCAM(BaseCAM):
    """Channels weighted by their mean gradient."""

    _method = "gradcam"


class HiResCAM(BaseCAM):
    """Activations times their gradients."""

    _method = "hirescam"


class GradCAMElementWise(BaseCAM):
    """Activations times their gradients, where the product is above 0."""

    _method = "gradcam-elementwise"


class GradCAMPlusPlus(BaseCAM):
    """Channels weighted by their gradients above 0, by their share."""

    _method = "gradcam++"


class XGradCAM(BaseCAM):
    """Channels weighted by their share of gradient times activation."""

    _method = "xgradcam"


class LayerCAM(BaseCAM):
    """Activations times their gradients above 0."""

    _method = "layercam"


class EigenCAM(BaseCAM):
    """The first principal component of the activations, with the sign of their sum."""

    _method = "eigencam"
    _can_be_smoothed = False


class EigenGradCAM(BaseCAM):
    """The first principal component of gradient times activation, with the sign of their sum."""

    _method = "eigengradcam"
    _can_be_smoothed = False


class SegEigenCAM(BaseCAM):
    """The first principal component of absolute gradient times activation."""

    _method = "segeigencam"
    _can_be_smoothed = False


class KPCA_CAM(BaseCAM):
    """The first component of a kernel of the activations: of the sigmoid kernel, with a gamma of 1 / channels."""

    _method = "kpca-cam"
    _can_be_smoothed = False

    def __init__(self, model: Net, target_layers: Sequence[Net], reshape_transform: Transform | None = None,
                 kernel: str = "sigmoid", gamma: float | None = None) -> None:
        _only("KPCA_CAM", kernel=(kernel, "sigmoid"), gamma=(gamma, None))
        super().__init__(model, target_layers, reshape_transform)


class FEM(BaseCAM):
    """Channels weighted by how many of their values are outliers: two deviations above the mean."""

    _method = "fem"
    _can_be_smoothed = False

    def __init__(self, model: Net, target_layers: Sequence[Net], reshape_transform: Transform | None = None,
                 k: float = 2) -> None:
        _only("FEM", k=(k, 2))
        super().__init__(model, target_layers, reshape_transform)


class ShapleyCAM(BaseCAM):
    """Channels weighted by their gradient minus half the curvature."""

    _method = "shapleycam"


class ScoreCAM(BaseCAM):
    """Channels weighted by the scores of the image masked by each of them."""

    _method = "scorecam"


class AblationLayer:
    """Stands for pytorch-grad-cam's; gradcam knows by itself where a layer's channels are."""


class AblationLayerVit(AblationLayer):
    """Likewise, for tokens."""


class AblationCAM(BaseCAM):
    """Channels weighted by the score that is lost without each of them; batch_size is not used."""

    _method = "ablationcam"

    def __init__(self, model: Net, target_layers: Sequence[Net], reshape_transform: Transform | None = None,
                 ablation_layer: AblationLayer | None = None, batch_size: int = 32,
                 ratio_channels_to_ablate: float = 1.0) -> None:
        _only("AblationCAM", ratio_channels_to_ablate=(ratio_channels_to_ablate, 1.0))
        if ablation_layer is not None and not isinstance(ablation_layer, AblationLayer):
            raise error(UnsupportedError, "AblationCAM, ablation_layer", f"is a {type(ablation_layer).__name__}",
                        "leave it out")
        super().__init__(model, target_layers, reshape_transform)


class RandomCAM(BaseCAM):
    """Channels weighted by chance, always the same."""

    _method = "random"


class FullGrad(BaseCAM):
    """Contributions of the image and of all biases of the network; target_layers are not used."""

    _method = "fullgrad"
    _has_layers = False

    def _smoothing(self, aug_smooth: bool, eigen_smooth: bool) -> list[str]:
        _only("FullGrad", eigen_smooth=(eigen_smooth, False))
        return super()._smoothing(aug_smooth, eigen_smooth)


class RefineCAM(BaseCAM):
    """The product of the maps of all layers by another method."""

    _fusion = "product"

    def __init__(self, model: Net, target_layers: Sequence[Net], reshape_transform: Transform | None = None,
                 base_method: type[BaseCAM] = GradCAMPlusPlus) -> None:
        self._method = base_method._method  # type: ignore[misc]
        self._can_be_smoothed = base_method._can_be_smoothed  # type: ignore[misc]
        super().__init__(model, target_layers, reshape_transform)

    def __call__(self, input_tensor: Tensor, targets: Iterable[ModelTarget] | None = None,  # type: ignore[override]
                 eigen_smooth: bool = False) -> Map:
        """As for `BaseCAM`."""
        return super().__call__(input_tensor, targets, eigen_smooth=eigen_smooth)


class FinerCAM(BaseCAM):
    """The gradient of what sets a class apart from the three whose scores are nearest.

    With targets it is the base method, as in pytorch-grad-cam.
    """

    _method = "finercam"

    def __init__(self, model: Net, target_layers: Sequence[Net], reshape_transform: Transform | None = None,
                 base_method: type[BaseCAM] = GradCAM) -> None:
        if base_method is not GradCAM:
            raise error(UnsupportedError, "FinerCAM, base_method", f"is {base_method.__name__}", "use GradCAM")
        super().__init__(model, target_layers, reshape_transform)
        self._target_idx: int | None = None

    def __call__(self, input_tensor: Tensor, targets: Iterable[ModelTarget] | None = None,  # type: ignore[override]
                 eigen_smooth: bool = False, alpha: float = 1, comparison_categories: Sequence[int] | None = None,
                 target_idx: int | None = None) -> Map:
        """As for `BaseCAM`. target_idx: the class, where no targets are given; by default that of the highest score."""
        categories = None if comparison_categories is None else list(comparison_categories)
        _only("FinerCAM", alpha=(alpha, 1), comparison_categories=(categories, None if categories is None else [1, 2, 3]))
        self._target_idx = target_idx
        return super().__call__(input_tensor, targets, eigen_smooth=eigen_smooth)

    def _method_for(self, target: ModelTarget | None) -> str:
        return self._method if target is None else GradCAM._method

    def _question(self, seen: Observation, prepared: _Prepared, target: ModelTarget | None, image: Tensor) -> Question:
        if target is not None:
            return super()._question(seen, prepared, target, image)
        return {} if self._target_idx is None else {"classes": [self._target_idx]}


def _only(place: str, **values: tuple[object, object]) -> None:
    """Refuses values that gradcam has no other for."""
    for name, (value, known) in values.items():
        if value != known:
            raise error(UnsupportedError, f"{place}, {name}", f"is {value!r}", f"only {known!r} is supported")


def _missing(name: str, advice: str) -> type[Any]:
    def refuse(self: object, *_: object, **__: object) -> None:
        raise error(UnsupportedError, name, "gradcam does not have it", advice)

    return type(name, (), {"__doc__": "Not supported.", "__init__": refuse})


GuidedBackpropReLUModel = _missing(
    "GuidedBackpropReLUModel",
    'use gradcam.Model.from_torch(...)(image).explain(method="guided-backprop"), which is summed over colours')
SESS = _missing("SESS", "use pytorch-grad-cam's, or aug_smooth=True")
DeepFeatureFactorization = _missing(
    "DeepFeatureFactorization", 'use gradcam.Model.from_torch(...)(image).explain_all(methods=["dff"])')
run_dff_on_image = _missing(
    "run_dff_on_image", 'use gradcam.Model.from_torch(...)(image).explain_all(methods=["dff"])')
