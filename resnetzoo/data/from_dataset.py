"""Convert datasets of torchvision and the Hugging Face Hub, and lists of pairs, into whole tensors."""

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resnetzoo.data.conversion import check_rows
from resnetzoo.data.stacking import ImageStack
from resnetzoo.errors import DataError
from resnetzoo.utils.text import brief, kind_of, some
from resnetzoo.utils.validation import check_names, check_whole_number

_MOST_CLASSES = 1_000_000  # far beyond any dataset: a larger label is another kind of number, such as an identifier


def pixels_and_labels(
    dataset: Any, classes: Sequence[str] | None, size: int | None
) -> tuple[Tensor, Tensor, tuple[str, ...] | None]:
    """Images uint8 (N, C, H, W), labels int64 (N,), and class names, or None if the classes have no names.

    The arguments are those of `ImageSet.from_dataset`.
    """
    check_rows(dataset)
    if size is not None:
        check_whole_number("size", size)
    names = check_names("classes", classes) if classes is not None else _names(dataset)
    images, labels = ImageStack(size), []
    for number in range(len(dataset)):
        image, label = _pair(dataset[number], number)
        images.add(image)
        labels.append(_label(label, number))
    if not labels:
        raise DataError("the dataset has no images")
    return images.stacked(), torch.tensor(labels, dtype=torch.int64, device="cpu"), names


def names_of_labels(*labels: Tensor) -> tuple[str, ...]:
    """Names for classes without names: their labels, `0`, `1`, ..., up to the highest one."""
    return tuple(str(label) for label in range(1 + max(int(part.max()) for part in labels)))


def check_both_named(train: tuple[str, ...] | None, test: tuple[str, ...] | None) -> None:
    """Refuse two sets if only one of them names its classes: their labels might not mean the same.

    Raises:
        DataError: says which set names its classes, and the names.
    """
    if (train is None) != (test is None):
        named, other = ("training", "test") if test is None else ("test", "training")
        raise DataError(
            f"the {named} set names its classes, {some(train or test or ())}, but the {other} set does not: if the "
            "labels mean the same in both, name the classes with classes=[...]"
        )


def _pair(row: Any, number: int) -> tuple[Any, Any]:
    if isinstance(row, dict):  # from the Hugging Face Hub: one column is the image, one the label
        image = [value for key, value in row.items() if key in ("image", "img")]
        label = [row[key] for key in ("label", "labels", "fine_label") if key in row]
        if image and label:
            return image[0], label[0]
        raise DataError(
            f"row {number} has the columns {', '.join(map(str, row))}: rename them to image and label with "
            "rename_column"
        )
    if isinstance(row, tuple | list) and len(row) == 2:
        return row[0], row[1]
    raise DataError(f"row {number} must be an image and its label, not {kind_of(row)}")


def _label(label: Any, number: int) -> int:
    found = _whole_number(label)
    if found is None or not 0 <= found < _MOST_CLASSES:
        raise DataError(
            f"image {number} has the label {brief(label)}, but labels must be whole numbers from 0 that count the "
            f"classes, of which there may be {_MOST_CLASSES:,}"
        )
    return found


def _whole_number(label: Any) -> int | None:
    """A label, possibly in a tensor or array of one element, as in MedMNIST; None if it is not a whole number."""
    try:
        alone: Any = label.item() if isinstance(label, Tensor | np.ndarray) and math.prod(label.shape) == 1 else label
        return None if isinstance(alone, bool | np.bool_) else operator.index(alone)
    except (TypeError, RuntimeError):  # the latter for a tensor on the meta device
        return None


def _names(dataset: Any) -> tuple[str, ...] | None:
    """The class names of a dataset, or of the dataset that it is a subset of; None if there are none."""
    while dataset is not None:
        features = getattr(dataset, "features", None)
        for column in ("label", "labels", "fine_label"):
            if isinstance(features, dict) and hasattr(features.get(column), "names"):
                return tuple(features[column].names)
        names = getattr(dataset, "classes", None)
        if isinstance(names, Iterable) and not isinstance(names, str) and (found := tuple(map(str, names))):
            return found
        if parts := getattr(dataset, "datasets", None):
            return _common_names(parts)
        dataset = getattr(dataset, "dataset", None)  # of a Subset
    return None


def _common_names(parts: Sequence[Any]) -> tuple[str, ...] | None:
    """The class names of a ConcatDataset, whose labels have one meaning only if all parts have the same names."""
    names = [_names(part) for part in parts]
    other = next((found for found in names if found != names[0]), names[0])
    if other != names[0]:
        first, second = (some(found) if found else "no names" for found in (names[0], other))
        raise DataError(
            f"the parts of the dataset number their labels by different classes, {first} and {second}: if the labels "
            "mean the same in all parts, name their classes with classes=[...]"
        )
    return names[0]
