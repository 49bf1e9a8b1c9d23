"""The memory formats in which a network is trained, and in which it is given images."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

_CHANNELS_OF_A_BLOCK = 8


def training_layout(model: nn.Module, device: torch.device) -> torch.memory_format:
    """The memory format for the weights and images of `model`: channels-last, which is faster, unless it is unsafe.

    On a CPU without AVX-512, oneDNN 3.12, which torch 2.14 contains, computes the weight gradient of a 1x1 convolution
    with a stride in blocks of eight input channels. If the images are channels-last and have fewer channels, it writes
    past the end of the gradient, and the process crashes or hangs.
    """
    unsafe = device.type == "cpu" and any(_is_thin_projection(module) for module in model.modules())
    return torch.contiguous_format if unsafe else torch.channels_last


class ImageLayout:
    """The memory format of a network's images: channels-last, which is faster, until the network cannot take it.

    A forward pass with `x.view(len(x), -1)` takes contiguous images only.

    Attributes:
        format: as found so far.
    """

    def __init__(self, format: torch.memory_format = torch.channels_last) -> None:  # noqa: A002 (torch's own word)
        self.format = format

    def call(self, model: nn.Module, images: Tensor) -> object:
        """What `model` returns for images (n, C, H, W)."""
        answer, self.format = in_accepted_layout(
            lambda layout: model(images.contiguous(memory_format=layout)), self.format
        )
        return answer


def in_accepted_layout(
    ask: Callable[[torch.memory_format], object], layout: torch.memory_format
) -> tuple[object, torch.memory_format]:
    """What `ask` returns for this layout or, if its forward pass does not accept that, for contiguous; and which."""
    try:
        return ask(layout), layout
    except RuntimeError as error:
        if layout == torch.contiguous_format or "view size is not compatible" not in str(error):  # torch's words
            raise
    return ask(torch.contiguous_format), torch.contiguous_format


def _is_thin_projection(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.in_channels // module.groups < _CHANNELS_OF_A_BLOCK
    )
