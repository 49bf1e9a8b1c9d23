"""The pair of a training and a test set that an experiment runs on."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from resnetzoo.data.agreement import check_agreement
from resnetzoo.data.constants import INPUT_SIZE
from resnetzoo.data.conversion import check_images
from resnetzoo.data.fingerprint import fingerprint_v1, fingerprint_v2, is_version_2
from resnetzoo.data.from_dataset import check_both_named, names_of_labels, pixels_and_labels
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.in_place import MeasuredOnce, OfficialField, TrueUntilChanged
from resnetzoo.data.parts import cuts_of
from resnetzoo.data.titles import data_title
from resnetzoo.errors import UsageError
from resnetzoo.utils.validation import check_kind, check_seed, check_whole_number

_PUBLISHED_SPLITS = tuple((name, 50_000, 5_000) for name in ("cifar10", "cifar100", "cifar100-coarse"))


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """A training and a test set.

    Attributes:
        name: name of the dataset: `cifar10`, `cifar100`, `synthetic`, or any name of your own.
        train: the set to train on.
        test: the set to measure on.
        official: whether every image and label is as its authors published it; no longer once torch counts a change in
            place.
        source: the folder or program that it came from.
        part: which part of the dataset this is; empty for the whole.

    Raises:
        UsageError: `train` or `test` is not an `ImageSet`, or another field has the wrong type.
        DataError: the sets differ in the size or channels of their images, or in the names or order of their classes.
    """

    name: str
    train: ImageSet
    test: ImageSet
    if TYPE_CHECKING:
        official: bool
    else:
        official: bool = OfficialField()
    source: str
    part: str = ""

    def __post_init__(self) -> None:
        check_images(self.train, "train")
        check_images(self.test, "test")
        for field in ("name", "source", "part"):  # these are written as JSON
            check_kind(field, getattr(self, field), str)
        check_kind("official", self.official, bool)
        check_agreement(self.train, self.test)
        object.__setattr__(self, "official", TrueUntilChanged(self.official, self._tensors))

    @classmethod
    def from_dataset(
        cls, train: Any, test: Any, *, name: str = "mine", classes: Sequence[str] | None = None, size: int | None = None
    ) -> "Data":
        """Two datasets of torchvision or the Hugging Face Hub, or two lists of (image, label) pairs, as `Data`.

        The other arguments are those of `ImageSet.from_dataset`. If neither set names its classes, the classes are
        named by their labels, up to the highest label in either set. If the training images are in colour, the channel
        of grey test images is repeated.

        Raises:
            UsageError: a dataset has no length or no numbered rows, `classes` are not names, or `name` is not a string.
            DataError: a dataset has no rows; a row is not such a pair; the images have different sizes; the sets name
                different classes, or the same ones in another order; or only one of them names its classes.
        """
        parts = [pixels_and_labels(part, classes, size) for part in (train, test)]
        check_both_named(*(names for _, _, names in parts))
        has_names = parts[0][2] is not None
        numbered = () if has_names else names_of_labels(*(labels for _, labels, _ in parts))
        two = [ImageSet(images, labels, numbered if names is None else names) for images, labels, names in parts]
        channels, grey = two[0].images.shape[1], two[1].images.shape[1] == 1
        source = f"{type(train).__module__}.{type(train).__name__}"
        return cls(name, two[0], two[1].with_channels(channels) if grey else two[1], official=False, source=source)

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

    @property
    def fingerprint(self) -> str:
        """Version 2, which begins with `v2`.

        It is a SHA-256 over pixels, labels, shapes, class names and the border between the sets. It is computed once,
        and again only after images or labels were changed in place.
        """
        return self._fingerprints()[1]

    @property
    def fingerprint_v1(self) -> str:
        """Version 1, as published for the official sets and stored by earlier versions.

        It is a SHA-256 over training images, training labels, test images and test labels, one byte per number. It
        does not cover shapes, class names, the border between the sets, or the part of a label above 255 that does not
        fit into a byte.
        """
        return self._fingerprints()[0]

    def has_fingerprint(self, stored: str) -> bool:
        """Whether a stored fingerprint, of either version, is that of these data."""
        return stored == (self.fingerprint if is_version_2(stored) else self.fingerprint_v1)

    def to_dict(self) -> dict[str, Any]:
        """What results say about the data, ready for JSON: everything but the images; their size if it is not 32."""
        size = min(self.train.images.shape[2:])
        version_1, version_2 = self._fingerprints()
        return {
            "name": self.name,
            "part": self.part,
            "fingerprint": version_2,
            "fingerprint_v1": version_1,
            "official": self.official,
            "source": _without_parents(self.source),
            "train_images": len(self.train),
            "test_images": len(self.test),
            **({} if size == INPUT_SIZE else {"image_size": size}),
        }

    def first(self, train_images: int, test_images: int | None = None) -> "Data":
        """The first images of the training set and, if `test_images` is given, of the test set.

        If the images are grouped by class, like those of a folder, the first images of each class are taken, in
        proportion to the size of the class.

        Args:
            train_images: number of training images.
            test_images: number of test images; None for all.

        Raises:
            UsageError: a number is below one, or larger than the set.

        Warns:
            UserWarning: the images are in another order, and at least ten per class are taken, but a class is missing.
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
        """The same training set, with other images of its classes as the test set, such as those of `cifar10_1`.

        Args:
            images: the images that replace `test`.
            part: their description in tables and results, such as `tested on CIFAR-10.1 v6`.

        Returns:
            Data that are not official, because nobody has published this combination.

        Raises:
            UsageError: `images` is not an `ImageSet`, or `part` is empty or not a string.
            DataError: the images differ from the training set in size, channels or classes.
        """
        check_kind("part", part, str)
        if not part:
            raise UsageError("part must describe the images, because results refer to it, but it is empty")
        return replace(self._cut(part, self.train, images), official=False)

    def validation_split(self, held_out: int = 5_000, *, seed: int = 0, stratify: bool | None = None) -> "Data":
        """Hold out part of the training set to measure on; the test set is not used.

        With CIFAR-10 and the default this is the paper's 45k/5k split (arXiv:1512.03385, section 4.2). Which images
        the authors held out is not published; here they are the first of a permutation that `seed` determines.

        Args:
            held_out: number of images to measure on.
            seed: seed of the permutation.
            stratify: whether to hold out the first images of each class, in proportion to its size, so that no class
                is lost; False holds out the first of all images. By default True, except for the 45k/5k split of
                CIFAR-10 and CIFAR-100.

        Raises:
            UsageError: one of the two sets would be empty.

        Warns:
            UserWarning: a class has fewer than two images and none is held out, or all images of a class are held out.
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
        """These data, cut down to the `part` that the record of a run states; None if no command makes that part.

        Args:
            part: the `part` of the run's data, which must begin with the `part` of these data.
        """
        cuts = cuts_of(part, self.part)
        if cuts is None:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the run has already warned about missing classes
            found = self
            for cut in cuts:
                if cut.held_out is not None:
                    found = found.validation_split(cut.held_out)
                else:
                    found = found.first(len(found.train) if cut.train is None else cut.train, cut.test)
            return found

    def _fingerprints(self) -> tuple[str, str]:
        """Those of version 1 and 2, for both of which the pixels are read once."""

        def hashed() -> tuple[str, str]:
            version_1 = fingerprint_v1(self.train, self.test)
            return version_1, fingerprint_v2(self.train, self.test, version_1)

        return self._measured.get("fingerprints", self._tensors, hashed)

    @cached_property
    def _measured(self) -> MeasuredOnce:
        return MeasuredOnce()

    @property
    def _tensors(self) -> tuple[Tensor, ...]:
        return self.train.images, self.train.labels, self.test.images, self.test.labels

    def _cut(self, part: str, train: ImageSet, test: ImageSet) -> "Data":
        return replace(self, part=f"{self.part}, {part}" if self.part else part, train=train, test=test)


def _without_parents(source: str) -> str:
    """Only the name of a folder, because its place on a machine is private; other sources stay as they are."""
    return Path(source).name if Path(source).is_absolute() else source
