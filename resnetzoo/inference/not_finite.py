"""Keep non-finite values visible, even if compiled or 8-bit kernels would turn them into ordinary numbers."""

from typing import cast

import torch
from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.inference.fuse import BatchNorm
from resnetzoo.utils.modules import not_finite_parameters
from resnetzoo.utils.text import some


class NotFiniteStays(nn.Module):
    """A network whose outputs are NaN for images with NaN or infinite values.

    On a CPU the compiler fuses each relu into the convolution before it, in a kernel that turns NaN into 0.

    Args:
        network: maps images (n, C, H, W) to outputs (n, ...), such as logits (n, classes).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return not_finite_stays(cast(Tensor, self.network(images)), images)


def not_finite_stays(outputs: Tensor, images: Tensor) -> Tensor:
    """The outputs (n, ...), with NaN for images (n, C, H, W) that have NaN or infinite values; others are unchanged.

    Zero times the largest magnitude in such an image is NaN. For any other image it is 0, and subtracting it changes no
    output, not even -0.0.
    """
    largest = images.abs().amax(dim=(1, 2, 3))  # (n,)
    return torch.sub(outputs, largest.view(-1, *[1] * (outputs.dim() - 1)), alpha=0)


def check_finite(network: nn.Module) -> None:
    """Refuse weights and norm statistics that give NaN in floats, but ordinary numbers in integers or compiled code.

    Raises:
        UsageError: there are some; the message names them.
    """
    if found := [*not_finite_parameters(network), *_norms_not_finite(network)]:
        raise UsageError(
            "the network cannot be optimized, since some of its weights are infinite or NaN, by themselves or with the "
            f"norms after them: {some(found)}. Its training diverged: take the checkpoint of an earlier epoch"
        )


def _norms_not_finite(network: nn.Module) -> list[str]:
    """The names of batch norms whose running mean, divided by the running standard deviation, is not finite."""
    found = []
    for name, module in network.named_modules():
        if isinstance(module, BatchNorm) and module.running_mean is not None and module.running_var is not None:
            scale = (module.running_var + module.eps).rsqrt()
            if not bool((module.running_mean * scale).isfinite().all()):
                found.append(name)
    return found
