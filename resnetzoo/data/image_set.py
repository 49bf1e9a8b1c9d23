"""Labelled images as whole tensors, and the pair of training and test set that an experiment runs on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetzoo.data.agreement import check_agreement
from resnetzoo.data.constants import INPUT_SIZE, NormalizationKind
from resnetzoo.data.conversion import check_images
from resnetzoo.data.fingerprint import fingerprint_v1, fingerprint_v2, is_version_2
from resnetzoo.data.normalization import Normalization, measure_normalization
from resnetzoo.data.titles import data_title
from resnetzoo.errors import DataError, UsageError
from resnetzoo.utils.text import some
from resnetzoo.utils.validation import check_seed, check_whole_number


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images and their labels.

    Attributes:
        images: uint8 (N, C, H, W), red-green-blue planes.
        labels: int64 (N,), from 0.
        classes: the name of each label.

    Raises:
        DataError: no tensors, or of other types or shapes, no image, or a label outside the classes.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for field in ("images", "labels"):
            value = getattr(self, field)
            if not isinstance(value, Tensor):
                raise DataError(
                    f"{field} must be a tensor, not {type(value).__name__}: torch.from_numpy takes an array, "
                    "torch.tensor a list"
                )
        given: object = self.classes
        names = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
        if isinstance(given, str) or not all(isinstance(name, str) for name in names):
            raise DataError(f'classes must be the names of all classes, such as ("cat", "dog"), not {given!r}')
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
                f"image {first} has label {int(self.labels[first])}, which must be from 0 to below "
                f"{len(self.classes)}, the number of classes"
            )

    @classmethod
    def from_dataset(cls, dataset: Any, *, classes: Sequence[str] | None = None, size: int | None = None) -> "ImageSet":
        """A data set of torchvision or of the Hugging Face Hub, or a list of (image, label), as whole tensors.

        Args:
            dataset: rows of an image of PIL, or a tensor (C, H, W) as uint8 or float from 0 to 1, and a label from 0;
                of the Hub with a column `image` or `img` and one `label` (or `fine_label`). No normalization in it.
            classes: their names; left out, those of the data set, or the labels themselves.
            size: the shorter side of each image is resized to it (bicubic, antialiased), and the middle cropped. Left
                out, images must have one size.

        Raises:
            UsageError: it has no length and rows.
            DataError: a row is no such pair, or images have several sizes.
        """
        from resnetzoo.data.from_dataset import pixels_and_labels

        return cls(*pixels_and_labels(dataset, classes, size))

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
            UsageError: no folder is named.
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
        return f"ImageSet({len(self):,} images of {shape}, {len(self.classes)} classes: {some(self.classes)})"

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

    def with_classes(self, classes: Sequence[str]) -> "ImageSet":
        """The same images, their labels counted by the order of `classes`, which may have more names.

        Raises:
            DataError: a name of this set is not among them, or one stands twice, so that it means no single label.
        """
        names = tuple(classes)
        if names == self.classes:
            return self
        twice = sorted({name for part in (names, self.classes) for name in part if part.count(name) > 1})
        if twice:
            raise DataError(f"labels cannot be told apart by names, since {', '.join(twice[:3])} stands for several")
        unknown = [name for name in self.classes if name not in names]
        if unknown:
            raise DataError(f"not among the {len(names)} classes {some(names)}: {some(unknown)}")
        places = torch.tensor([names.index(name) for name in self.classes], device=self.labels.device)
        return replace(self, labels=places[self.labels], classes=names)


_PUBLISHED_SPLITS = tuple((name, 50_000, 5_000) for name in ("cifar10", "cifar100", "cifar100-coarse"))


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """A training and a test set.

    Attributes:
        name: the data set's word: `cifar10`, `cifar100` or `synthetic`.
        train: to learn from.
        test: to measure on.
        official: whether every image and label is as its authors published it.
        source: the folder or program that it came from.
        part: which part of the data set this is; empty for the whole.

    Raises:
        UsageError: `train` or `test` is no `ImageSet`.
        DataError: they differ in the size or channels of their images, or in names or order of their classes.
    """

    name: str
    train: ImageSet
    test: ImageSet
    official: bool
    source: str
    part: str = ""

    def __post_init__(self) -> None:
        check_images(self.train, "train")
        check_images(self.test, "test")
        check_agreement(self.train, self.test)

    @classmethod
    def from_dataset(
        cls, train: Any, test: Any, *, name: str = "mine", classes: Sequence[str] | None = None, size: int | None = None
    ) -> "Data":
        """Two data sets of torchvision or of the Hugging Face Hub, or two lists of (image, label), as `Data`.

        The arguments and the errors are those of `ImageSet.from_dataset`. Without names of classes, those are the
        labels, as many as the set with more of them has.
        """
        two = [ImageSet.from_dataset(part, classes=classes, size=size) for part in (train, test)]
        if classes is None and two[0].classes != two[1].classes and all(name.isdecimal() for name in two[1].classes):
            longest = max((part.classes for part in two), key=len)
            two = [replace(part, classes=longest) for part in two]
        source = f"{type(train).__module__}.{type(train).__name__}"
        return cls(name, two[0], two[1], official=False, source=source)

    def __repr__(self) -> str:
        return f"Data({self.title}: train={self.train!r}, test={self.test!r}, source={self.source!r})"

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
        """Version 2, a SHA-256 over pixels, labels, shapes, class names and the border of the sets, behind "v2"."""
        return fingerprint_v2(self.train, self.test, self.fingerprint_v1)

    @cached_property
    def fingerprint_v1(self) -> str:
        """Version 1, as published for the official sets and stored by earlier versions.

        SHA-256 over training images, training labels, test images, test labels, a byte a number: without shapes, names
        of classes, the border between the sets, and what labels above 255 have more than a byte holds.
        """
        return fingerprint_v1(self.train, self.test)

    def has_fingerprint(self, stored: str) -> bool:
        """Whether a stored fingerprint, of either version, is of these data."""
        return stored == (self.fingerprint if is_version_2(stored) else self.fingerprint_v1)

    def to_dict(self) -> dict[str, Any]:
        """What results say of the data: everything but the images, ready for JSON; their size where it is not 32."""
        size = min(self.train.images.shape[2:])
        return {
            "name": self.name,
            "part": self.part,
            "fingerprint": self.fingerprint,
            "fingerprint_v1": self.fingerprint_v1,
            "official": self.official,
            "source": _without_parents(self.source),
            "train_images": len(self.train),
            "test_images": len(self.test),
            **({} if size == INPUT_SIZE else {"image_size": size}),
        }

    def first(self, train_images: int, test_images: int | None = None) -> "Data":
        """Only the first images of the training set, and of the test set, which otherwise stays whole.

        Of images that lie class by class, as those of a folder do, the first of each class are taken, its share.

        Raises:
            UsageError: fewer than one, or more than there are.

        Warns:
            UserWarning: they lie otherwise, and the first ones, ten a class or more, lack one of these.
        """
        check_whole_number("train_images", train_images, maximum=len(self.train))
        kept = len(self.test) if test_images is None else test_images
        check_whole_number("test_images", kept, maximum=len(self.test))
        parts = [f"{train_images:,} training"] if train_images < len(self.train) else []
        parts += [f"{kept:,} test"] if kept < len(self.test) else []
        if not parts:
            return self
        from resnetzoo.data.stratified import first_images

        wanted = (self.train, train_images), (self.test, kept)
        cuts = [slice(count) if count == len(part) else first_images(part, count) for part, count in wanted]
        shares = ", of each class its share" if any(isinstance(cut, Tensor) for cut in cuts) else ""
        train, test = (part.select(cut) for (part, _), cut in zip(wanted, cuts, strict=True))
        return self._cut(f"first {' and '.join(parts)} images{shares}", train, test)

    def with_test(self, images: ImageSet, part: str) -> "Data":
        """The same training set, measured on other images of its classes, such as those of `cifar10_1`.

        Args:
            images: what takes the place of `test`.
            part: what tables and results call them, such as `tested on CIFAR-10.1 v6`.

        Returns:
            A pair that is not official: no authors published it.

        Raises:
            UsageError: `images` is no `ImageSet`, or `part` is empty.
            DataError: they differ from the training set in size, channels or classes.
        """
        if not part:
            raise UsageError("part must say what the images are, since results go by it, and is empty")
        return replace(self._cut(part, self.train, images), official=False)

    def validation_split(self, held_out: int = 5_000, *, seed: int = 0, stratify: bool | None = None) -> "Data":
        """Hold out part of the training set and measure on that; the test set is not touched.

        With CIFAR-10 and the default this is the paper's 45k/5k split (arXiv:1512.03385, section 4.2). Which images
        the authors held out is not published; here they are the first of a permutation that `seed` fixes.

        Args:
            held_out: images to measure on.
            seed: of the permutation.
            stratify: hold out each class's share, so that none is lost, or the first of the permutation, whatever
                they show. None does so unless it is that 45k/5k split of CIFAR-10 or CIFAR-100, which stays the same.

        Raises:
            UsageError: nothing would be left on one of the sides.

        Warns:
            UserWarning: of a class there are fewer than two images, or all of them are held out.
        """
        check_whole_number("held_out", held_out, maximum=len(self.train) - 1)
        check_seed(seed)
        from resnetzoo.data.stratified import stratified

        order = torch.randperm(len(self.train), device="cpu", generator=torch.Generator().manual_seed(seed))
        kept = len(self.train) - held_out
        if stratify is None:
            stratify = (self.name, len(self.train), held_out) not in _PUBLISHED_SPLITS
        chosen = stratified(self.train, order, held_out) if stratify else order[:held_out]
        held = chosen.sort().values
        is_held = torch.zeros(len(self.train), dtype=torch.bool, device="cpu").index_fill_(0, held, True)
        rest = is_held.logical_not_().nonzero().flatten()
        part = f"{kept:,}/{held_out:,} split of the training set (seed {seed})"
        return self._cut(part, self.train.select(rest), self.train.select(held))

    def _cut(self, part: str, train: ImageSet, test: ImageSet) -> "Data":
        return replace(self, part=f"{self.part}, {part}" if self.part else part, train=train, test=test)


def _without_parents(source: str) -> str:
    """Of a folder its own name: where it lies on a machine is nobody else's business."""
    return Path(source).name if Path(source).is_absolute() else source
