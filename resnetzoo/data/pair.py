"""The pair of training and test set that an experiment runs on."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetzoo.data.agreement import check_agreement
from resnetzoo.data.constants import INPUT_SIZE
from resnetzoo.data.conversion import check_images
from resnetzoo.data.fingerprint import fingerprint_v1, fingerprint_v2, is_version_2
from resnetzoo.data.from_dataset import check_both_named, names_of_labels, pixels_and_labels
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.parts import cuts_of
from resnetzoo.data.titles import data_title
from resnetzoo.errors import UsageError
from resnetzoo.utils.validation import check_kind, check_seed, check_whole_number

_PUBLISHED_SPLITS = tuple((name, 50_000, 5_000) for name in ("cifar10", "cifar100", "cifar100-coarse"))


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """A training and a test set.

    Attributes:
        name: of the dataset: `cifar10`, `cifar100` or `synthetic`.
        train: to learn from.
        test: to measure on.
        official: whether every image and label is as its authors published it.
        source: the folder or program that it came from.
        part: which part of the dataset this is; empty for the whole.

    Raises:
        UsageError: `train` or `test` is no `ImageSet`, or another field of another type.
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
        for field in ("name", "source", "part"):  # which are written as JSON
            check_kind(field, getattr(self, field), str)
        check_kind("official", self.official, bool)
        check_agreement(self.train, self.test)

    @classmethod
    def from_dataset(
        cls, train: Any, test: Any, *, name: str = "mine", classes: Sequence[str] | None = None, size: int | None = None
    ) -> "Data":
        """Two datasets of torchvision or of the Hugging Face Hub, or two lists of (image, label), as `Data`.

        The arguments are those of `ImageSet.from_dataset`. Without names of classes in either set, those are the
        labels, as many as the set with more of them has.

        Raises:
            UsageError: one of the two has no length and rows, `classes` are no names, or `name` is no text.
            DataError: a row is no such pair; images have several sizes; the sets name different classes, or the same
                ones in another order; or only one of them names its classes.
        """
        parts = [pixels_and_labels(part, classes, size) for part in (train, test)]
        check_both_named(*(names for _, _, names in parts))
        has_names = parts[0][2] is not None
        numbered = () if has_names else names_of_labels(*(labels for _, labels, _ in parts))
        two = [ImageSet(images, labels, numbered if names is None else names) for images, labels, names in parts]
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
            UsageError: `images` is no `ImageSet`, or `part` is no text or empty.
            DataError: they differ from the training set in size, channels or classes.
        """
        check_kind("part", part, str)
        if not part:
            raise UsageError("part must describe the images, because results refer to it, but it is empty")
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
        if len(self.train) == 1:
            raise UsageError(f"{self.title} has a single training image, so none can be held out: add images")
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

    def recut(self, part: str) -> "Data | None":
        """These data, cut as a run was whose record calls its data `part`; None if no command cuts them so.

        Args:
            part: the `part` of the run's data, of which these have the beginning.
        """
        cuts = cuts_of(part, self.part)
        if cuts is None:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the run has said which classes it lacks
            cut = self if cuts.first is None else self.first(cuts.first)
            return cut if cuts.held_out is None else cut.validation_split(cuts.held_out)

    def _cut(self, part: str, train: ImageSet, test: ImageSet) -> "Data":
        return replace(self, part=f"{self.part}, {part}" if self.part else part, train=train, test=test)


def _without_parents(source: str) -> str:
    """Of a folder its own name: where it lies on a machine is nobody else's business."""
    return Path(source).name if Path(source).is_absolute() else source
