"""Labelled images as whole tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetzoo.data.constants import NormalizationKind
from resnetzoo.data.in_place import MeasuredOnce
from resnetzoo.data.normalization import Normalization, measure_normalization
from resnetzoo.errors import DataError, UsageError
from resnetzoo.utils.text import counted, some
from resnetzoo.utils.validation import check_names, check_whole_number


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images and their labels.

    Attributes:
        images: uint8 (N, C, H, W), red-green-blue planes.
        labels: int64 (N,), from 0.
        classes: the name of each label.

    Raises:
        DataError: images or labels are not tensors, have another type or shape, or have no values; there is no image; a
            label is outside the classes; or `classes` are not names.
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
        """A dataset of torchvision or the Hugging Face Hub, or a list of (image, label) pairs, as whole tensors.

        Args:
            dataset: rows of an image and its label. An image is a PIL image, or a tensor (C, H, W) of uint8 or of
                floats from 0 to 1, without normalization. A label is a whole number from 0, which may be in an array
                of one element. From the Hub, pass one split with a column `image` or `img` and a column `label`,
                `labels` or `fine_label`.
            classes: the class names; by default those of the dataset, or else the labels themselves.
            size: number of pixels to which the shorter side of each image is resized (bicubic, antialiased) before the
                middle is cropped. By default images are not resized, and must all have the same size.

        Raises:
            UsageError: `dataset` has no length or no numbered rows, or `classes` are not names.
            DataError: there are no rows, a row is not such a pair, or the images have different sizes.
        """
        from resnetzoo.data.from_dataset import names_of_labels, pixels_and_labels

        images, labels, names = pixels_and_labels(dataset, classes, size)
        return cls(images, labels, names_of_labels(labels) if names is None else names)

    @classmethod
    def from_folder(
        cls, root: str | Path | None = None, *, classes: Sequence[str] | None = None, size: int | None = None
    ) -> "ImageSet":
        """All images of a folder that has one subfolder per class, for example to evaluate on.

        Args:
            root: the folder (`root/cat/1.jpg`); None for the one that `$RESNETZOO_DATA` names.
            classes: the class names in label order, such as `model.classes`; the folder need not contain all of them.
                By default they are the names of its subfolders, sorted.
            size: number of pixels to which the shorter side of each image is resized before the middle is cropped; 32
                by default.

        Raises:
            UsageError: no folder is named, or `classes` are not names.
            DataNotFoundError: the folder does not exist.
            DataError: there are no class folders, one is not in `classes`, one has no images, or files cannot be read;
                the message names them.
        """
        from resnetzoo.data.folder import images_of

        return images_of(root, classes, size)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        shape = " x ".join(str(length) for length in self.images.shape[1:])
        return (
            f"{type(self).__name__}({counted(len(self), 'image')} of {shape}, {counted(len(self.classes), 'class')}: "
            f"{some(self.classes)})"
        )

    def normalization(self, kind: NormalizationKind) -> Normalization:
        """The normalization that centres these images, in new tensors.

        It is measured once, and again only after the images were changed in place.
        """
        kept = self._measured.get(kind, (self.images,), lambda: measure_normalization(self.images, kind))
        return replace(kept, mean=kept.mean.clone(), std=kept.std.clone())

    @cached_property
    def _measured(self) -> MeasuredOnce:
        return MeasuredOnce()

    def to(self, device: torch.device) -> "ImageSet":
        """The same images and labels on `device`."""
        if self.images.device == device:
            return self
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def select(self, indices: Tensor | slice) -> "ImageSet":
        """The images with these indices, in this order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def with_channels(self, in_chans: int) -> "ImageSet":
        """The same images with `in_chans` channels, as a network expects them: the channel of grey images is repeated.

        Raises:
            UsageError: `in_chans` is not a whole number from 1.
            DataError: the images have several channels, but not `in_chans`.
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
            UsageError: `classes` are not names.
            DataError: a class of this set is not among them, or a name occurs twice and so does not identify a label.
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
