"""The call shape of pytorch-grad-cam, for networks of PyTorch that can be exported to ONNX.

    from gradcam.pytorch_grad_cam import GradCAM
    from gradcam.pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from gradcam.pytorch_grad_cam.utils.image import show_cam_on_image

    with GradCAM(model=net, target_layers=[net.layer4[-1]]) as cam:
        heat = cam(input_tensor=images, targets=[ClassifierOutputTarget(281)])[0]

docs/from-pytorch-grad-cam.md says what is the same and what is not.
"""

from .base_cam import BaseCAM
from .methods import (
    FEM,
    KPCA_CAM,
    SESS,
    AblationCAM,
    AblationLayer,
    AblationLayerVit,
    DeepFeatureFactorization,
    EigenCAM,
    EigenGradCAM,
    FinerCAM,
    FullGrad,
    GradCAM,
    GradCAMElementWise,
    GradCAMPlusPlus,
    GuidedBackpropReLUModel,
    HiResCAM,
    LayerCAM,
    RandomCAM,
    RefineCAM,
    ScoreCAM,
    SegEigenCAM,
    ShapleyCAM,
    XGradCAM,
    run_dff_on_image,
)

__all__ = [
    "FEM",
    "KPCA_CAM",
    "SESS",
    "AblationCAM",
    "AblationLayer",
    "AblationLayerVit",
    "BaseCAM",
    "DeepFeatureFactorization",
    "EigenCAM",
    "EigenGradCAM",
    "FinerCAM",
    "FullGrad",
    "GradCAM",
    "GradCAMElementWise",
    "GradCAMPlusPlus",
    "GuidedBackpropReLUModel",
    "HiResCAM",
    "LayerCAM",
    "RandomCAM",
    "RefineCAM",
    "ScoreCAM",
    "SegEigenCAM",
    "ShapleyCAM",
    "XGradCAM",
    "run_dff_on_image",
]
