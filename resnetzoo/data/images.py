"""Labelled images as whole tensors, and the pair of training and test set that an experiment runs on."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from resnetzoo.errors import DataError, UsageError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and their labels.

    Attributes:
        images: uint8 (N, C, H, W), red-green-blue planes.
        labels: int64 (N,), from 0.
        classes: the name of each label.

    Raises:
        DataError: tensors of other types or shapes, no image, or a label outside the classes.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.dim() != 4:
            raise DataError(f"images must be uint8 (N, C, H, W), not {self.images.dtype} {list(self.images.shape)}")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            found = f"{self.labels.dtype} {list(self.labels.shape)}"
            raise DataError(f"labels must be int64, one for each of {len(self.images)} images, not {found}")
        if not len(self.images):
            raise DataError("an image set needs at least one image")
        outside = (self.labels < 0) | (self.labels >= len(self.classes))
        if outside.any():
            first = int(outside.nonzero()[0])
            raise DataError(
                f"image {first} has label {int(self.labels[first])}; labels go from 0 to {len(self.classes) - 1}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, indices: Tensor | slice) -> "ImageSet":
        """The images at these places, in this order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])


@dataclass(frozen=True, eq=False)
class Data:
    """A training and a test set.

    Attributes:
        name: what results call it; it says when it is a part of a set or was drawn by a program.
        train: to learn from.
        test: to measure on.
        official: whether every image and label is as its authors published it.
        source: the folder or program that it came from.
    """

    name: str
    train: ImageSet
    test: ImageSet
    official: bool
    source: str

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over training images, training labels, test images, test labels, a byte a number."""
        parts = (self.train.images, self.train.labels, self.test.images, self.test.labels)
        return sha256(part.to(torch.uint8) for part in parts)

    def first(self, train_images: int) -> "Data":
        """Only the first images of the training set; the test set stays whole.

        Raises:
            UsageError: fewer than one, or more than there are.
        """
        if not 1 <= train_images <= len(self.train):
            raise UsageError(f"train images must be from 1 to {len(self.train)}, not {train_images}")
        if train_images == len(self.train):
            return self
        name = f"{self.name}, first {train_images:,} training images"
        return replace(self, name=name, train=self.train.select(slice(train_images)))

    def validation_split(self, held_out: int = 5_000, *, seed: int = 0) -> "Data":
        """Hold out part of the training set and measure on that; the test set is not touched.

        With CIFAR-10 and the default this is the paper's 45k/5k split (arXiv:1512.03385, section 4.2). Which images
        the authors held out is not published; here they are the first of a permutation that `seed` fixes.

        Raises:
            UsageError: nothing would be left on one of the sides.
        """
        if not 1 <= held_out < len(self.train):
            raise UsageError(f"held out must be from 1 to {len(self.train) - 1}, not {held_out}")
        order = torch.randperm(len(self.train), generator=torch.Generator().manual_seed(seed))
        kept = len(self.train) - held_out
        name = f"{self.name}, {kept:,}/{held_out:,} split of the training set (seed {seed})"
        held, rest = order[:held_out].sort().values, order[held_out:].sort().values
        return replace(self, name=name, train=self.train.select(rest), test=self.train.select(held))


def sha256(parts: Iterable[Tensor]) -> str:
    """Over the bytes of uint8 tensors, one after the other."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.contiguous().cpu().numpy().data)
    return digest.hexdigest()
