"""Mean, mean square and standard deviation of a layer over all images, accumulated batch by batch."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnetzoo.utils.device import at_least_fp32


@dataclass
class Moments:
    """Sums over the feature maps of a layer, one per image and channel, all of the same size.

    Attributes:
        maps: the number of maps.
        means: the sum of their means.
        squares: the sum of their mean squares.
    """

    maps: int = 0
    means: float = 0.0
    squares: float = 0.0

    def add(self, output: Tensor) -> None:
        """Add maps (n, C, H, W), each summed in the network's precision or float32, and their sums in float64."""
        values = at_least_fp32(output)
        scale = _power_of_two(values)
        variance, mean = torch.var_mean(values / scale, dim=(2, 3), correction=0)  # (n, C)
        variance, mean = variance.cpu().double(), mean.cpu().double()  # in this order, since MPS has no float64
        self.maps += mean.numel()
        self.means += float(mean.sum()) * scale
        self.squares += float((variance + mean.square()).sum()) * scale * scale  # which may be infinite

    @property
    def mean_square(self) -> float:
        """Mean square over images, channels and positions."""
        return self.squares / self.maps

    @property
    def std(self) -> float:
        """Standard deviation of all values about their common mean (divided by their number); NaN if any value is."""
        mean = self.means / self.maps
        variance = self.mean_square - mean * mean
        return float(np.sqrt(np.maximum(0, variance)))


def _power_of_two(values: Tensor) -> float:
    """The largest magnitude, rounded down to a power of two: divided by it, which is exact, squares do not overflow."""
    _, exponent = math.frexp(float(values.abs().amax()))
    return max(2.0 ** (exponent - 1), torch.finfo(values.dtype).tiny)


@dataclass(frozen=True, eq=False)
class LayerValues:
    """One number for each layer or block of a network.

    Attributes:
        names: names of layers or blocks as in the state dict, such as `layer1.0.conv1`, in forward order.
        values: float64 (layers,), one number per name.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def sorted(self) -> "LayerValues":
        """The values in descending order, as in the lower panel of figure 7 of arXiv:1512.03385; NaN comes last."""
        order = np.argsort(-self.values, kind="stable")
        return LayerValues(tuple(self.names[index] for index in order), self.values[order])
