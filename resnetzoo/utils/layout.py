"""The memory format in which a network is trained."""

import torch
from torch import nn

_CHANNELS_OF_A_BLOCK = 8


def training_layout(model: nn.Module, device: torch.device) -> torch.memory_format:
    """The memory format for the weights and images of `model`: channels-last, which is faster, unless it is unsafe.

    On a CPU without AVX-512, oneDNN 3.12, which torch 2.14 contains, computes the weight gradient of a 1x1 convolution
    with a stride in blocks of eight input channels. If the images are channels-last and have fewer channels, it writes
    past the end of the gradient, and the process crashes or hangs.
    """
    unsafe = device.type == "cpu" and any(_is_thin_projection(module) for module in model.modules())
    return torch.contiguous_format if unsafe else torch.channels_last


def _is_thin_projection(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.in_channels // module.groups < _CHANNELS_OF_A_BLOCK
    )
