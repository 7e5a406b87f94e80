#!/usr/bin/env python3
"""Writes profiles.json: what TorchCAM and Captum make of the networks of make_probes.py, how maps of two layers are fused,
and what pytorch-grad-cam's smoothing makes of them.

Needs what make_probes.py needs, pillow and captum 0.9. pytorch-grad-cam leaves the sign of the first principal component
to its singular value routine; here it is that of the sum over channels.
"""
import json

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam
from captum.attr._utils.visualization import _normalize_attr
from PIL import Image

import make
import make_probes
import pytorch_grad_cam.base_cam as base_cam
import pytorch_grad_cam.grad_cam_elementwise
import pytorch_grad_cam.hirescam
import pytorch_grad_cam.layer_cam
from pytorch_grad_cam import RefineCAM
from torchcam.methods import FinerCAM, GradCAM, GradCAMpp, LayerCAM, ScoreCAM, XGradCAM
from torchcam.methods import RefineCAM as ProductCAM

TARGET = make_probes.TARGET
# The further layer of each network and its node; the other is that of make_probes.py.
EARLIER = {
    "plain": (lambda network: network.features[0], "Relu:0"), "residual": (lambda network: network.stem, "Relu:0"),
    "concat": (lambda network: network.stem, "Relu:0"),
}
EIGEN = ["gradcam", "hirescam", "gradcam-elementwise", "gradcam++", "xgradcam", "layercam"]


def signed_projection(batch, projection=base_cam.get_2d_projection):
    """The first principal component, rising with the sum over channels."""
    found, sums = projection(batch), np.nansum(batch, 1)
    for index, (component, total) in enumerate(zip(found, sums)):
        if (component * (total - total.mean())).sum() < 0:
            found[index] = -component
    return found


for module in (base_cam, pytorch_grad_cam.hirescam, pytorch_grad_cam.layer_cam, pytorch_grad_cam.grad_cam_elementwise):
    module.get_2d_projection = signed_projection


def torch_cam(method, network, image, layers, normalized=False, **options):
    with method(network, layers, input_shape=tuple(image.shape[1:]), **options) as cam:
        return cam(TARGET, network(image), normalized=normalized)


def fused_by_torch_cam(method, network, image, layers):
    with method(network, layers, input_shape=tuple(image.shape[1:])) as cam:
        return cam.fuse_cams(cam(TARGET, network(image)))[0]


def grad_cam(method, network, image, layers, **smoothing):
    cam = method(model=network, target_layers=layers)
    return cam(image, [make.ClassifierOutputTarget(TARGET)], **smoothing)[0]


def torch_cam_drawn(network, image, layers):
    """What overlay_mask resizes a map to."""
    (found,) = torch_cam(GradCAM, network, image, layers, normalized=True)
    mask = Image.fromarray(found[0].detach().numpy(), mode="F")
    return np.clip(np.asarray(mask.resize(image.shape[:1:-1], resample=Image.Resampling.BICUBIC)), 0, 1)


def captum(network, image, layer):
    found = LayerGradCam(network, layer).attribute(image, TARGET)
    resized = LayerAttribution.interpolate(found, tuple(image.shape[2:]))
    return found.detach().numpy(), _normalize_attr(resized[0, 0].detach().numpy(), "absolute_value")


def numbers(values):
    values = values.detach().numpy() if isinstance(values, torch.Tensor) else values
    return [float(f"{value:.7g}") for value in np.asarray(values).reshape(-1)]


def case(name, node, network, image):
    layer, both = network.features, [EARLIER[name][0](network), network.features]
    attribution, shown = captum(network, image, layer)
    torchcam = {
        "gradcam": GradCAM, "gradcam++": GradCAMpp, "xgradcam": XGradCAM, "layercam": LayerCAM, "scorecam": ScoreCAM,
        "finercam": FinerCAM}
    return dict(
        name=name, nodes=[EARLIER[name][1], node], target=TARGET, shape=list(image.shape), input=numbers(image),
        torchcam={key: numbers(torch_cam(method, network, image, layer)[0]) for key, method in torchcam.items()},
        torchcamDrawn=numbers(torch_cam_drawn(network, image, layer)), captum=numbers(attribution),
        captumDrawn=numbers(shown),
        fused={
            "mean": numbers(grad_cam(make.GradCAM, network, image, both)),
            "product": numbers(grad_cam(
                lambda model, target_layers: RefineCAM(model, target_layers, base_method=make.GradCAM), network, image,
                both)),
        },
        fusedAtLargest={
            "max": numbers(fused_by_torch_cam(GradCAM, network, image, both)),
            "tanh-max": numbers(fused_by_torch_cam(LayerCAM, network, image, both)),
            "product": numbers(torch_cam(ProductCAM, network, image, both, normalized=True, base_method=GradCAM)[0]),
        },
        eigen={key: numbers(grad_cam(make.METHODS[key], network, image, [layer], eigen_smooth=True)) for key in EIGEN},
        aug=numbers(grad_cam(make.GradCAM, network, image, [layer], aug_smooth=True)),
        augEigen=numbers(grad_cam(make.GradCAM, network, image, both, aug_smooth=True, eigen_smooth=True)))


def main():
    cases = []
    for seed, (name, (build, node)) in enumerate(make_probes.NETWORKS.items()):
        torch.manual_seed(seed)
        network, image = build().eval(), torch.randn(1, 3, 20, 24)
        if name in EARLIER:
            cases.append(case(name, node, network, image))
    make_probes.HERE.joinpath("profiles.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
