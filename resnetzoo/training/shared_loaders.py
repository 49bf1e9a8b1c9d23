"""Share one training set on the device among all runs that use the same augmentation, while one of them needs it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.data.pair import Data
from resnetzoo.training.opening import make_loader
from resnetzoo.training.recipes import Recipe


class SharedLoaders:
    """The loaders of several runs.

    Args:
        data: what all of them learn from.
        recipes: one for each run that is to come.
        device: where the images lie.
    """

    def __init__(self, data: Data, recipes: Iterable[Recipe], device: torch.device) -> None:
        self._data = data
        self._device = device
        self._runs_left = Counter(_cut(recipe) for recipe in recipes)
        self._made: dict[tuple[object, ...], DeviceLoader] = {}

    @contextmanager
    def of(self, recipe: Recipe) -> Iterator[DeviceLoader]:
        """The one that a run by this recipe shares; the last such run, behind which it goes, ends with the block."""
        cut = _cut(recipe)
        try:
            if cut not in self._made:
                self._made[cut] = make_loader(self._data, recipe, self._device)
            yield self._made[cut]
        finally:
            self._runs_left[cut] -= 1
            if not self._runs_left[cut]:
                self._made.pop(cut, None)


def _cut(recipe: Recipe) -> tuple[object, ...]:
    """What a loader depends on."""
    return (recipe.normalization, recipe.crop_padding, recipe.crop_padding_mode, recipe.flip, recipe.cutout)
