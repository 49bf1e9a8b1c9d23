"""Batch norm fused into the convolutions before it: in evaluation a norm is a fixed scale and shift per channel."""

from typing import cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from resnetzoo.models.as_built import AsBuilt
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.utils.modules import copy_of, in_mode

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm


def fuse_batch_norm(network: CifarNet) -> CifarNet:
    """A float32 copy of `network`, in evaluation mode, without the norms that follow a convolution.

    Each such norm is merged into the convolution's weights and bias and replaced by `nn.Identity`. Norms that follow a
    sum are kept: in pre-activation networks the first of each block, and the last. So are all group norms: their mean
    and variance differ from image to image, so they are not a fixed scale. Whatever is not as the package built it is
    kept as well and runs as it is: other classes of convolutions and norms, hooks, computed weights, norms without
    running statistics, and everything in another class of block. Norms that `convert_sync_batchnorm` made are treated
    as the batch norms that they replaced.

    The outputs are those of evaluation mode up to rounding; `network` itself is left as it was.
    """
    fused = in_mode(copy_of(network).float(), training=False).requires_grad_(False)
    as_built = AsBuilt(fused)
    for shape in network.spec.all_convs():
        if shape.fusable is not None and _can_be_fused(shape.conv, shape.fusable, as_built):
            conv, norm = as_built.found[shape.conv], as_built.found[shape.fusable]
            fused.set_submodule(shape.conv, fuse_conv_bn_eval(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm)))
            fused.set_submodule(shape.fusable, nn.Identity())
    return fused


def _can_be_fused(conv: str, norm: str, as_built: AsBuilt) -> bool:
    """Whether both are as they were built, and so are the modules that call the norm on the convolution's output."""
    callers = _callers(conv)
    if any(as_built.other_kind(name) for name in callers) or as_built.change(conv) or as_built.change(norm):
        return False
    return not lacks_statistics(as_built.found[norm])


def _callers(conv: str) -> list[str]:
    """Names of a convolution's block and of modules between the two; for the stem the network's own, which is empty."""
    parts = conv.split(".")  # for example `layer1.0.downsample.0`
    return [".".join(parts[:length]) for length in range(2, len(parts))] or [""]


def lacks_statistics(module: nn.Module) -> bool:
    """Whether `module` is a batch norm that normalizes by the batch even in evaluation."""
    return isinstance(module, BatchNorm) and (module.running_mean is None or module.running_var is None)
