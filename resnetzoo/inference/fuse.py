"""Batch norm fused into the convolutions before it: in evaluation a norm is a fixed scale and shift a channel."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from resnetzoo.models.cifar_net import CifarNet


def fuse_batch_norm(network: CifarNet) -> CifarNet:
    """A float32 copy of `network`, in evaluation mode, without the norms that follow a convolution.

    Each such norm is multiplied into the convolution's weights and bias and leaves `nn.Identity` in its place. What
    stays are the norms that follow a sum: in pre-activation networks the first of each block, and the last.
    The outputs are those of the evaluation mode up to rounding; `network` itself is left as it was.
    """
    fused = copy.deepcopy(network).float().eval().requires_grad_(False)
    modules = dict(fused.named_modules())
    for shape in network.spec.all_convs():
        if shape.fusable is None:
            continue
        conv, norm = modules.get(shape.conv), modules.get(shape.fusable)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):  # as built: neither replaced nor removed
            fused.set_submodule(shape.conv, fuse_conv_bn_eval(conv, norm))
            fused.set_submodule(shape.fusable, nn.Identity())
    return fused
