"""Import this in place of torchvision where its wheel may belong to another build of torch.

A torchvision wheel for a CUDA torch cannot load its compiled operators beside the CPU build. The classification
models use none of them; once their signatures are declared the package imports.
"""
import torch

try:
    import torchvision
except RuntimeError:
    _OPERATORS = torch.library.Library("torchvision", "DEF")
    _ROI = "Tensor {}, Tensor rois, {}float spatial_scale, SymInt pooled_height, SymInt pooled_width"
    _SIZES = "SymInt batch_size, SymInt channels, SymInt height, SymInt width"
    _DEFORM = ("Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, "
               "SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, SymInt groups, "
               "SymInt offset_groups, bool use_mask")
    for _signature in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        f"roi_align({_ROI.format('input', '')}, int sampling_ratio, bool aligned) -> Tensor",
        f"_roi_align_backward({_ROI.format('grad', '')}, {_SIZES}, int sampling_ratio, bool aligned) -> Tensor",
        f"ps_roi_align({_ROI.format('input', '')}, int sampling_ratio) -> (Tensor, Tensor)",
        f"_ps_roi_align_backward({_ROI.format('grad', 'Tensor channel_mapping, ')}, int sampling_ratio, {_SIZES})"
        " -> Tensor",
        f"roi_pool({_ROI.format('input', '')}) -> (Tensor, Tensor)",
        f"_roi_pool_backward({_ROI.format('grad', 'Tensor argmax, ')}, {_SIZES}) -> Tensor",
        f"ps_roi_pool({_ROI.format('input', '')}) -> (Tensor, Tensor)",
        f"_ps_roi_pool_backward({_ROI.format('grad', 'Tensor channel_mapping, ')}, {_SIZES}) -> Tensor",
        f"deform_conv2d({_DEFORM}) -> Tensor",
        f"_deform_conv2d_backward(Tensor grad, {_DEFORM}) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
    ):
        _OPERATORS.define(_signature)
    import torchvision
