"""Labelled images as whole tensors, and the pair of training and test set that an experiment runs on."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetzoo.data.constants import NormalizationKind
from resnetzoo.data.normalization import Normalization, measure_normalization
from resnetzoo.data.titles import data_title
from resnetzoo.errors import DataError
from resnetzoo.utils.validation import check_seed, check_whole_number


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

    def normalization(self, kind: NormalizationKind) -> Normalization:
        """The normalization that centres these images, in tensors of its own.

        It is measured once, and again only after torch changed the images in place.
        """
        if self.images.is_inference():  # torch does not count the changes of such tensors
            return measure_normalization(self.images, kind)
        changes = self.images._version
        if kind not in self._measured or self._measured[kind][0] != changes:
            self._measured[kind] = changes, measure_normalization(self.images, kind)
        kept = self._measured[kind][1]
        return replace(kept, mean=kept.mean.clone(), std=kept.std.clone())

    @cached_property
    def _measured(self) -> dict[NormalizationKind, tuple[int, Normalization]]:
        """By kind: the number of changes to the images when it was measured, and what was found."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: the images of a copy count their changes anew."""
        return {name: value for name, value in vars(self).items() if name != "_measured"}

    def to(self, device: torch.device) -> "ImageSet":
        """The same images and labels on `device`."""
        if self.images.device == device:
            return self
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def select(self, indices: Tensor | slice) -> "ImageSet":
        """The images with these indices, in this order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])


@dataclass(frozen=True, eq=False)
class Data:
    """A training and a test set.

    Attributes:
        name: the data set's word: `cifar10`, `cifar100` or `synthetic`.
        train: to learn from.
        test: to measure on.
        official: whether every image and label is as its authors published it.
        source: the folder or program that it came from.
        part: which part of the data set this is; empty for the whole.
    """

    name: str
    train: ImageSet
    test: ImageSet
    official: bool
    source: str
    part: str = ""

    @property
    def title(self) -> str:
        """Name and part, as tables and pictures show them."""
        return data_title(self.name, self.part)

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each label."""
        return self.train.classes

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over training images, training labels, test images, test labels, a byte a number."""
        parts = (self.train.images, self.train.labels, self.test.images, self.test.labels)
        return sha256(part.to(torch.uint8) for part in parts)

    def to_dict(self) -> dict[str, Any]:
        """What results say of the data: everything but the images, ready for JSON."""
        return {
            "name": self.name,
            "part": self.part,
            "fingerprint": self.fingerprint,
            "official": self.official,
            "source": _without_parents(self.source),
            "train_images": len(self.train),
            "test_images": len(self.test),
        }

    def first(self, train_images: int, test_images: int | None = None) -> "Data":
        """Only the first images of the training set, and of the test set, which otherwise stays whole.

        Raises:
            UsageError: fewer than one, or more than there are.
        """
        check_whole_number("train_images", train_images, maximum=len(self.train))
        kept = len(self.test) if test_images is None else test_images
        check_whole_number("test_images", kept, maximum=len(self.test))
        parts = [f"{train_images:,} training"] if train_images < len(self.train) else []
        parts += [f"{kept:,} test"] if kept < len(self.test) else []
        if not parts:
            return self
        train, test = self.train.select(slice(train_images)), self.test.select(slice(kept))
        return self._cut(f"first {' and '.join(parts)} images", train, test)

    def validation_split(self, held_out: int = 5_000, *, seed: int = 0) -> "Data":
        """Hold out part of the training set and measure on that; the test set is not touched.

        With CIFAR-10 and the default this is the paper's 45k/5k split (arXiv:1512.03385, section 4.2). Which images
        the authors held out is not published; here they are the first of a permutation that `seed` fixes.

        Raises:
            UsageError: nothing would be left on one of the sides.
        """
        check_whole_number("held_out", held_out, maximum=len(self.train) - 1)
        check_seed(seed)
        order = torch.randperm(len(self.train), device="cpu", generator=torch.Generator().manual_seed(seed))
        kept = len(self.train) - held_out
        held, rest = order[:held_out].sort().values, order[held_out:].sort().values
        part = f"{kept:,}/{held_out:,} split of the training set (seed {seed})"
        return self._cut(part, self.train.select(rest), self.train.select(held))

    def _cut(self, part: str, train: ImageSet, test: ImageSet) -> "Data":
        return replace(self, part=f"{self.part}, {part}" if self.part else part, train=train, test=test)


def _without_parents(source: str) -> str:
    """Of a folder its own name: where it lies on a machine is nobody else's business."""
    return Path(source).name if Path(source).is_absolute() else source


def sha256(parts: Iterable[Tensor]) -> str:
    """Over the bytes of uint8 tensors, one after the other."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.contiguous().cpu().numpy().data)
    return digest.hexdigest()
