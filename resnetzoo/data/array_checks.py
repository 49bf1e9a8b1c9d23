"""Check arrays of images and labels that are read from files. Every error names the file."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnetzoo.data.npy_file import NpyFile
from resnetzoo.errors import DataError

_IMAGE = (32, 32, 3)  # rows, columns, red-green-blue
_AT_ONCE = 500  # images that are in memory twice while they are read


def read_labels(file: NpyFile, title: str, num_classes: int) -> Tensor:
    """Read labels (n,), whole numbers from 0, as int64.

    Args:
        file: the file of the labels.
        title: title of the dataset, for messages.
        num_classes: number of classes.

    Raises:
        DataError: there are no labels, they have another type or shape, or one is out of range.
    """
    if file.dtype.kind not in "iu" or len(file.shape) != 1 or not file.shape[0]:
        raise DataError(f"{file.title}: expected whole numbers (n,), found {_described(file)}")
    return torch.from_numpy(checked_labels(file.rows(0, file.shape[0]), file.title, title, num_classes))


def checked_labels(values: NDArray[Any], where: str, title: str, num_classes: int) -> NDArray[np.int64]:
    """Check labels and return them as int64; before that, they may be Python integers that int64 cannot hold.

    Args:
        values: the labels (n,).
        where: the file that they come from, for messages.
        title: title of the dataset, for messages.
        num_classes: number of classes.

    Raises:
        DataError: one is out of range.
    """
    outside = np.flatnonzero((values < 0) | (values >= num_classes))
    if len(outside):
        first = int(outside[0])
        raise DataError(
            f"{where}: image {first} has label {values[first]}, but the labels of {title} go from 0 to "
            f"{num_classes - 1}"
        )
    return values.astype(np.int64)


def check_pixels(file: NpyFile, count: int) -> None:
    """Refuse anything but uint8 (count, 32, 32, 3).

    Raises:
        DataError: says what was found.
    """
    if file.dtype != np.uint8 or file.shape != (count, *_IMAGE):
        raise DataError(
            f"{file.title}: expected uint8 {[count, *_IMAGE]}, one image for each label, found {_described(file)}"
        )


def read_pixels(file: NpyFile, start: int, stop: int) -> Tensor:
    """Read images of a checked file into new memory, as uint8 (stop - start, 3, 32, 32)."""
    rows, columns, channels = _IMAGE
    pixels = np.empty((stop - start, channels, rows, columns), np.uint8)
    for first in range(start, stop, _AT_ONCE):
        last = min(first + _AT_ONCE, stop)
        pixels[first - start : last - start] = file.rows(first, last).transpose(0, 3, 1, 2)
    return torch.from_numpy(pixels)


def _described(file: NpyFile) -> str:
    return f"{file.dtype} {list(file.shape)}"
