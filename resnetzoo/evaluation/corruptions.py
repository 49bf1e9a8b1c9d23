"""Robustness to corruptions: the error on each corruption at each severity, and their means."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, NamedTuple

from torch import nn

from resnetzoo.data.conversion import check_images
from resnetzoo.data.corrupted import CorruptedImages
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import Normalization
from resnetzoo.data.robustness_files import EXTRA, SEVERITIES
from resnetzoo.errors import UsageError
from resnetzoo.evaluation.metrics import Evaluation, evaluate
from resnetzoo.models.introspection import known_normalization
from resnetzoo.models.matching import in_class_order, known_classes
from resnetzoo.utils.text import kind_of
from resnetzoo.utils.validation import check_kind


class CorruptionRow(NamedTuple):
    """The errors on one corruption.

    Attributes:
        name: its name, such as `fog`.
        group: `noise`, `blur`, `weather`, `digital` or `extra`.
        errors: top-1 error in percent at severity 1, 2, 3, 4 and 5.
    """

    name: str
    group: str
    errors: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the severities, in percent."""
        return fmean(self.errors)


@dataclass(frozen=True)
class CorruptionTable:
    """The errors of a network on CIFAR-10-C or CIFAR-100-C, in percent.

    Attributes:
        dataset: `cifar10-c` or `cifar100-c`.
        official: whether every image is as its authors published it.
        n: number of images of each corruption at each severity.
        rows: the corruptions, group by group.
        clean: the evaluation on the images that were corrupted; None if they were not given.
    """

    dataset: str
    official: bool
    n: int
    rows: tuple[CorruptionRow, ...]
    clean: Evaluation | None = None

    @property
    def mean_corruption_error(self) -> float:
        """The plain mean over the 15 corruptions of the paper and all severities, as AugMix and others report it.

        The mCE of ImageNet-C is another measure, which divides each error by AlexNet's. For AugMix, see
        arXiv:1912.02781.
        """
        return fmean(row.mean for row in self.rows if row.group != EXTRA)

    @property
    def mean_error_of_all(self) -> float:
        """The same mean over all 19 corruptions, including the 4 that the paper keeps for validation."""
        return fmean(row.mean for row in self.rows)

    @property
    def by_group(self) -> dict[str, float]:
        """The mean of each group."""
        groups = dict.fromkeys(row.group for row in self.rows)
        return {group: fmean(row.mean for row in self.rows if row.group == group) for group in groups}

    @property
    def by_severity(self) -> tuple[float, ...]:
        """The mean over the 15 corruptions of the paper at each severity."""
        kept = [row.errors for row in self.rows if row.group != EXTRA]
        return tuple(fmean(errors) for errors in zip(*kept, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "dataset": self.dataset,
            "official": self.official,
            "n": self.n,
            "clean_error": None if self.clean is None else round(self.clean.error, 4),
            "mean_corruption_error": round(self.mean_corruption_error, 4),
            "mean_corruption_error_over": sum(row.group != EXTRA for row in self.rows),
            "mean_error_of_all": round(self.mean_error_of_all, 4),
            "mean_error_of_all_over": len(self.rows),
            "mean_by_group": {group: round(error, 4) for group, error in self.by_group.items()},
            "mean_by_severity": [round(error, 4) for error in self.by_severity],
            "corruptions": [
                {
                    "name": row.name,
                    "group": row.group,
                    "error_by_severity": [round(error, 4) for error in row.errors],
                    "mean": round(row.mean, 4),
                }
                for row in self.rows
            ],
        }


def evaluate_corruptions(
    model: nn.Module,
    corrupted: CorruptedImages,
    *,
    clean: ImageSet | None = None,
    normalization: Normalization | None = None,
    precision: str = "fp32",
    batch_size: int = 500,
    on_row: Callable[[CorruptionRow], None] | None = None,
) -> CorruptionTable:
    """Measure the error on each corruption at each severity, like `evaluate`.

    The published datasets have 950,000 images each. Only those of one corruption at one severity, 30 MB, are in memory
    at a time, besides what the network needs for a batch.

    Args:
        model: as in `evaluate`.
        corrupted: `cifar10_c()` or `cifar100_c()`.
        clean: the images that were corrupted, `cifar10().test` or `cifar100().test`, to measure as well.
        normalization: the map from pixels to input; by default that of the model's training, or else that of `clean`.
            It is never measured on corrupted images, because their other mean and standard deviation is part of the
            test.
        precision: as in `evaluate`.
        batch_size: number of images per batch.
        on_row: called with each row when it has been measured.

    Raises:
        UsageError: as in `evaluate`; the normalization is not known; `corrupted`, `clean` or `on_row` has the wrong
            type; or the labels show that `clean` are not the images that were corrupted.
        DataError: a file has changed, or can no longer be read.

    Warns:
        UserWarning: as in `evaluate`, but only once.
    """
    if not isinstance(corrupted, CorruptedImages):
        raise UsageError(
            f"corrupted must be a result of resnetzoo.cifar10_c() or cifar100_c(), not {kind_of(corrupted)}: "
            "measure on an ImageSet with resnetzoo.evaluate"
        )
    check_kind("normalization", normalization, Normalization | None)
    check_kind("on_row", on_row, Callable | None)  # type: ignore[arg-type]
    if clean is not None:
        check_images(clean, "clean")
        if not corrupted.is_of(clean):
            raise UsageError(
                f"clean must be the {corrupted.n:,} test images of {corrupted.clean} that were corrupted, in the same "
                "order, but their labels differ"
            )
    normalize = normalization or known_normalization(model)
    if normalize is None and clean is not None:
        normalize = clean.normalization("channel")
    if normalize is None:
        raise UsageError(
            "the network does not contain its input normalization, and it cannot be computed from corrupted images: "
            f'pass normalization=, such as resnetzoo.{corrupted.clean}().train.normalization("channel"), or clean='
        )
    # Warn only once for all of them.
    classes = in_class_order(model, corrupted.images(corrupted.corruptions[0], SEVERITIES[0])).classes
    in_order = _counted_as(known_classes(model), classes)

    def measure(images: ImageSet) -> Evaluation:
        return evaluate(model, in_order(images), normalization=normalize, precision=precision, batch_size=batch_size)

    measured_clean = None if clean is None else measure(clean)
    rows = []
    for group, names in corrupted.groups.items():
        for name in names:
            errors = tuple(measure(corrupted.images(name, severity)).error for severity in SEVERITIES)
            rows.append(CorruptionRow(name, group, errors))
            if on_row is not None:
                on_row(rows[-1])
    return CorruptionTable(corrupted.name, corrupted.official, corrupted.n, tuple(rows), measured_clean)


def _counted_as(known: tuple[str, ...], classes: tuple[str, ...]) -> Callable[[ImageSet], ImageSet]:
    """A function that converts labels to the order `classes` of a network that calls its classes `known`."""

    def in_order(images: ImageSet) -> ImageSet:
        if images.classes != classes:
            return images.with_classes(classes)
        if len(known) < len(classes):
            return images
        return replace(images, classes=known[: len(classes)])  # the labels stay; these names cause no further warning

    return in_order
