"""A number a layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LayerValues:
    """One number for each layer or block of a network.

    Attributes:
        names: of layers or blocks as in the state dict, such as `layer1.0.conv1`, in the order of the forward pass.
        values: float64 (layers,).
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def sorted(self) -> "LayerValues":
        """The same by falling value, as in the lower panel of figure 7 of arXiv:1512.03385; NaN comes last."""
        order = np.argsort(-self.values, kind="stable")
        return LayerValues(tuple(self.names[place] for place in order), self.values[order])
