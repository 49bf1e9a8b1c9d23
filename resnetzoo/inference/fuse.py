"""Batch norm folded into the convolutions before it: in evaluation a norm is a fixed scale and shift a channel."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from resnetzoo.models.blocks import BottleneckBlock, PlainBlock, PreactBlock, PreactBottleneckBlock, ResidualBlock
from resnetzoo.models.cifar_net import CifarNet

# Which norm is applied to which convolution's output, and to nothing else, by the names inside each module. In a
# pre-activation block that is the next one's: its first norm follows a sum, as the network's last one does.
_FOLLOWS: dict[type[nn.Module], tuple[tuple[str, str], ...]] = {
    CifarNet: (("conv1", "bn1"),),
    PlainBlock: (("conv1", "bn1"), ("conv2", "bn2")),
    ResidualBlock: (("conv1", "bn1"), ("conv2", "bn2")),
    BottleneckBlock: (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3")),
    PreactBlock: (("conv1", "bn2"),),
    PreactBottleneckBlock: (("conv1", "bn2"), ("conv2", "bn3")),
    nn.Sequential: (("0", "1"),),  # a projection and its norm
}


def fold_batch_norm(network: CifarNet) -> CifarNet:
    """A float32 copy of `network`, in evaluation mode, without the norms that follow a convolution.

    Each such norm is multiplied into the convolution's weights and bias and leaves `nn.Identity` in its place. What
    stays are the norms that follow a sum: in pre-activation networks the first of each block, and the last.
    The outputs are those of the evaluation mode up to rounding; `network` itself is left as it was.
    """
    folded = copy.deepcopy(network).float().eval().requires_grad_(False)
    for module in list(folded.modules()):
        kind = next((kind for kind in _FOLLOWS if isinstance(module, kind)), None)
        for conv_name, norm_name in _FOLLOWS[kind] if kind else ():
            conv, norm = getattr(module, conv_name, None), getattr(module, norm_name, None)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity())
    return folded
