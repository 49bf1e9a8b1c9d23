"""Labelled images as whole tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetzoo.data.constants import NormalizationKind
from resnetzoo.data.normalization import Normalization, measure_normalization
from resnetzoo.errors import DataError, UsageError
from resnetzoo.utils.text import some
from resnetzoo.utils.validation import check_names, check_whole_number


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images and their labels.

    Attributes:
        images: uint8 (N, C, H, W), red-green-blue planes.
        labels: int64 (N,), from 0.
        classes: the name of each label.

    Raises:
        DataError: no tensors, or of other types or shapes or without values; no image; or a label outside the classes.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for field in ("images", "labels"):
            value = getattr(self, field)
            if not isinstance(value, Tensor):
                raise DataError(
                    f"{field} must be a tensor, not {type(value).__name__}: convert an array with torch.from_numpy, a "
                    "list with torch.tensor"
                )
            if value.is_meta:
                raise DataError(
                    f'{field} are on the device "meta", so they have no values: make them on another device, such as '
                    '"cpu"'
                )
        try:
            names = check_names("classes", self.classes)
        except UsageError as error:
            raise DataError(str(error)) from error
        object.__setattr__(self, "classes", names)  # a list would never equal the tuple of another set
        if self.images.dtype != torch.uint8 or self.images.dim() != 4:
            raise DataError(f"images must be uint8 (N, C, H, W), not {self.images.dtype} {list(self.images.shape)}")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            found = f"{self.labels.dtype} {list(self.labels.shape)}"
            raise DataError(f"labels must be int64, one for each of {len(self.images)} images, not {found}")
        if not self.images.numel():
            raise DataError(f"an image set needs at least one image of one pixel, not {list(self.images.shape)}")
        outside = (self.labels < 0) | (self.labels >= len(self.classes))
        if outside.any():
            first = int(outside.nonzero()[0])
            raise DataError(
                f"image {first} has label {int(self.labels[first])}, but labels must be 0 or more and below "
                f"{len(self.classes)}, the number of classes"
            )

    @classmethod
    def from_dataset(cls, dataset: Any, *, classes: Sequence[str] | None = None, size: int | None = None) -> "ImageSet":
        """A dataset of torchvision or of the Hugging Face Hub, or a list of (image, label), as whole tensors.

        Args:
            dataset: rows of an image of PIL, or a tensor (C, H, W) as uint8 or float from 0 to 1, and a label from 0,
                which may be in an array of one number; of the Hub one split, with a column `image` or `img` and one
                `label` (or `fine_label`). No normalization in it.
            classes: their names; by default those of the dataset, or else the labels themselves.
            size: the shorter side of each image is resized to it (bicubic, antialiased), and the middle cropped. Left
                out, images must have one size.

        Raises:
            UsageError: it has no length and rows, or `classes` are no names.
            DataError: a row is no such pair, or images have several sizes.
        """
        from resnetzoo.data.from_dataset import names_of_labels, pixels_and_labels

        images, labels, names = pixels_and_labels(dataset, classes, size)
        return cls(images, labels, names_of_labels(labels) if names is None else names)

    @classmethod
    def from_folder(
        cls, root: str | Path | None = None, *, classes: Sequence[str] | None = None, size: int | None = None
    ) -> "ImageSet":
        """All images of a folder with one folder of them a class, such as those to measure on alone.

        Args:
            root: the folder (`root/cat/1.jpg`); None for that of `$RESNETZOO_DATA`.
            classes: the names that labels count, in this order, of which the folder may lack some, as `model.classes`;
                left out, the folder's own in the order of their names.
            size: the shorter side of each image is resized to so many pixels, 32 if left out, and the middle cropped.

        Raises:
            UsageError: no folder is named, or `classes` are no names.
            DataNotFoundError: it is not there.
            DataError: no folders of classes in it, one of another name, one without images, or files that cannot be
                read; all are named.
        """
        from resnetzoo.data.folder import images_of

        return images_of(root, classes, size)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        shape = " x ".join(str(length) for length in self.images.shape[1:])
        return (
            f"{type(self).__name__}({len(self):,} images of {shape}, {len(self.classes)} classes: {some(self.classes)})"
        )

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

    def with_channels(self, in_chans: int) -> "ImageSet":
        """The same images with so many channels, as `in_chans` of a network: the one of grey images is repeated.

        Raises:
            UsageError: no whole number from 1.
            DataError: the images have several channels, and another number of them.
        """
        check_whole_number("in_chans", in_chans)
        found = self.images.shape[1]
        if found == in_chans:
            return self
        if found != 1:
            raise DataError(
                f"images of {found} channels cannot become images of {in_chans}: only grey ones are repeated"
            )
        return replace(self, images=self.images.repeat(1, in_chans, 1, 1))

    def with_classes(self, classes: Sequence[str]) -> "ImageSet":
        """The same images, with labels renumbered to the order of `classes`, which may have more names.

        Raises:
            UsageError: `classes` are no names.
            DataError: a name of this set is not among them, or one stands twice, so that it means no single label.
        """
        names = check_names("classes", classes)
        if names == self.classes:
            return self
        twice = sorted({name for part in (names, self.classes) for name in part if part.count(name) > 1})
        if twice:
            raise DataError(
                f"labels cannot be matched by name, because several classes are called {', '.join(twice[:3])}"
            )
        unknown = [name for name in self.classes if name not in names]
        if unknown:
            raise DataError(f"not among the {len(names)} classes ({some(names)}): {some(unknown)}")
        places = torch.tensor([names.index(name) for name in self.classes], device=self.labels.device)
        return replace(self, labels=places[self.labels], classes=names)
