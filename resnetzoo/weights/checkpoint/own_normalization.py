"""The normalization that a file of others holds: what it calls mean and std, beside its weights or among them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import UsageError

# As a layer before the network has them, `0.mean` or `normalizer.new_mean`; norms have a `running_mean` and no `std`.
_MEAN = re.compile(r"((?:.*\.)?(?:new_|input_|image_|pixel_)?)mean")
_INSIDE = re.compile(r"(?:^|[._])(?:layer|stage|block|unit|conv|bn|fc|linear)_?\d*\.")  # no layer before the network
_MOST = 64  # values; what has more is no mean of channels


class OwnNormalization(NamedTuple):
    """A mean and a standard deviation, as a file has them.

    Attributes:
        names: of both in the file.
        values: of both, one a channel or one for all.
    """

    names: tuple[str, str]
    values: tuple[Tensor, Tensor]

    def normalization(self, in_chans: int) -> Normalization | None:
        """What they are for images of this many channels; None if they cannot be that, on the scale 0 to 1."""
        mean, std = (value.detach().float().flatten() for value in self.values)
        if not {len(mean), len(std)} <= {1, in_chans}:
            return None
        try:
            return Normalization("channel", mean.expand(in_chans).clone(), std.expand(in_chans).clone())
        except UsageError:
            return None


def own_normalizations(content: Mapping[object, object]) -> list[OwnNormalization]:
    """Each mean with the deviation beside it, in a dictionary of tensors or of what a script saved with them."""
    found = []
    for name in content:
        if isinstance(name, str) and (before := _MEAN.fullmatch(name)) and not _INSIDE.search(name):
            names = name, f"{before[1]}std"
            mean, std = (_values(content.get(each)) for each in names)
            if mean is not None and std is not None:
                found.append(OwnNormalization(names, (mean, std)))
    return found


def _values(found: object) -> Tensor | None:
    """A few numbers, one a channel, on the CPU; None if it is anything else."""
    if isinstance(found, list | tuple) and found and all(isinstance(value, int | float) for value in found):
        found = torch.tensor(found, dtype=torch.float32, device="cpu")
    plain = type(found) is Tensor and found.is_floating_point() and not found.is_meta
    return found.cpu() if plain and 0 < found.numel() <= _MOST else None  # type: ignore[attr-defined]
