"""The normalization that a file of others holds: what it calls mean and std, beside its weights or among them."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import torch
from torch import Tensor

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import UsageError

# As a layer before the network has them, `0.mean` or `normalizer.new_mean`; norms have a `running_mean` and no `std`.
_MEAN = re.compile(r"((?:.*\.)?(?:new_|input_|image_|pixel_)?)mean")
_INSIDE = re.compile(r"(?:^|[._])(?:layer|stage|block|unit|conv|bn|fc|linear)_?\d*\.")  # no layer before the network


class OwnNormalization(NamedTuple):
    """A mean and a standard deviation, as a file has them.

    Attributes:
        names: of both in the file.
        values: of both, as float32.
    """

    names: tuple[str, str]
    values: tuple[Tensor, Tensor]

    def normalization(self, in_chans: int) -> Normalization | None:
        """What they are for images of this many channels; None if they cannot be that, on the scale 0 to 1."""
        mean, std = (value.flatten() for value in self.values)
        # One value for all channels has the shape of a layer's buffer: a list of one may be a score over seeds.
        of_a_layer = all(value.dim() >= 3 for value in self.values)
        if not {len(mean), len(std)} <= ({1, in_chans} if of_a_layer else {in_chans}):
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
    """Numbers on the CPU, be they a tensor or a list; None if it is anything else, such as one number alone."""
    if isinstance(found, list | tuple) and all(isinstance(value, int | float) for value in found):
        with suppress(OverflowError, RuntimeError):  # of numbers that no tensor holds
            found = torch.tensor(found, dtype=torch.float32, device="cpu")
    if type(found) is not Tensor or found.is_meta or found.is_complex() or not found.dim():
        return None
    return found.detach().to("cpu", torch.float32)
