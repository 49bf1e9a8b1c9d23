"""Share one training set on the device among all runs with the same augmentation, while any of them needs it."""

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
        data: the data of all runs.
        recipes: one recipe for each run that will use the loaders.
        device: where the images are stored.
    """

    def __init__(self, data: Data, recipes: Iterable[Recipe], device: torch.device) -> None:
        self._data = data
        self._device = device
        self._runs_left = Counter(_cut(recipe) for recipe in recipes)
        self._made: dict[tuple[object, ...], DeviceLoader] = {}

    @contextmanager
    def of(self, recipe: Recipe) -> Iterator[DeviceLoader]:
        """The loader for runs with this recipe; it is released when the block of the last such run ends."""
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
    """The settings that a loader depends on."""
    return (recipe.normalization, recipe.crop_padding, recipe.crop_padding_mode, recipe.flip, recipe.cutout)
