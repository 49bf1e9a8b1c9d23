"""Batch norm fused into the convolutions before it: in evaluation a norm is a fixed scale and shift a channel."""

from typing import cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from resnetzoo.models.as_built import AsBuilt
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.utils.modules import copy_of

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm


def fuse_batch_norm(network: CifarNet) -> CifarNet:
    """A float32 copy of `network`, in evaluation mode, without the norms that follow a convolution.

    Each such norm is multiplied into the convolution's weights and bias and leaves `nn.Identity` in its place. What
    stays are the norms that follow a sum: in pre-activation networks the first of each block, and the last; and all
    group norms, whose mean and variance are each image's own, so that they are no fixed scale. Whatever
    is not as the package built it stays as well, and runs as it is: other classes of convolutions and norms, hooks,
    computed weights, norms without running statistics, and all that is in another class of block.
    Norms that `convert_sync_batchnorm` made count as those that they were.
    The outputs are those of the evaluation mode up to rounding; `network` itself is left as it was.
    """
    fused = copy_of(network).float().eval().requires_grad_(False)
    as_built = AsBuilt(fused)
    for shape in network.spec.all_convs():
        if shape.fusable is not None and _can_be_fused(shape.conv, shape.fusable, as_built):
            conv, norm = as_built.found[shape.conv], as_built.found[shape.fusable]
            fused.set_submodule(shape.conv, fuse_conv_bn_eval(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm)))
            fused.set_submodule(shape.fusable, nn.Identity())
    return fused


def _can_be_fused(conv: str, norm: str, as_built: AsBuilt) -> bool:
    """Whether both are what was built, and so is what calls the one on the output of the other."""
    callers = _callers(conv)
    if any(as_built.other_kind(name) for name in callers) or as_built.change(conv) or as_built.change(norm):
        return False
    return not lacks_statistics(as_built.found[norm])


def _callers(conv: str) -> list[str]:
    """The block of a convolution, and what is between the two; of the stem the network itself, which has no name."""
    parts = conv.split(".")  # `layer1.0.downsample.0`, for one
    return [".".join(parts[:length]) for length in range(2, len(parts))] or [""]


def lacks_statistics(module: nn.Module) -> bool:
    """Whether it is a batch norm that normalizes by the batch in evaluation, too."""
    return isinstance(module, BatchNorm) and (module.running_mean is None or module.running_var is None)
