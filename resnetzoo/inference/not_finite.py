"""What is not finite stays NaN, also where the kernels of a compiled network would make ordinary numbers of it."""

from typing import cast

import torch
from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.inference.fuse import BatchNorm
from resnetzoo.utils.modules import not_finite_parameters
from resnetzoo.utils.text import some


class NotFiniteStays(nn.Module):
    """A network whose logits are NaN for images with NaN or infinite values.

    On a CPU the compiler fuses each relu into the convolution before it, in a kernel that makes 0 of NaN.

    Args:
        network: images (n, C, H, W) -> logits (n, classes).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return not_finite_stays(cast(Tensor, self.network(images)), images)


def not_finite_stays(logits: Tensor, images: Tensor) -> Tensor:
    """The logits (n, classes), those of images (n, C, H, W) with NaN or infinite values NaN; the others as they are.

    Zero times the largest magnitude of such an image is NaN, and of any other image 0, which changes no logit, not even
    -0.0.
    """
    return torch.sub(logits, images.abs().amax(dim=(1, 2, 3))[:, None], alpha=0)


def check_finite(network: nn.Module) -> None:
    """Refuse weights, and statistics of norms, that give NaN in floats, and ordinary numbers in integers or compiled.

    Raises:
        UsageError: names them.
    """
    if found := [*not_finite_parameters(network), *_norms_not_finite(network)]:
        raise UsageError(
            "the network cannot be optimized, since some of its weights are infinite or NaN, by themselves or with the "
            f"norms behind them: {some(found)}. Its training diverged: take the checkpoint of an earlier epoch"
        )


def _norms_not_finite(network: nn.Module) -> list[str]:
    """The names of batch norms that divide by what is no deviation, or subtract what is no mean."""
    found = []
    for name, module in network.named_modules():
        if isinstance(module, BatchNorm) and module.running_mean is not None and module.running_var is not None:
            scale = (module.running_var + module.eps).rsqrt()
            if not bool((module.running_mean * scale).isfinite().all()):
                found.append(name)
    return found
