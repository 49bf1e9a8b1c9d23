"""Whether arrays of images and labels from files are what they should be. Every complaint names the file."""

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
    """Whole numbers (n,), from 0, as int64.

    Args:
        file: of the labels.
        title: of the dataset, for messages.
        num_classes: how many labels there are.

    Raises:
        DataError: they are of another type or shape, none, or one is out of range.
    """
    if file.dtype.kind not in "iu" or len(file.shape) != 1 or not file.shape[0]:
        raise DataError(f"{file.title}: expected whole numbers (n,), found {_described(file)}")
    return torch.from_numpy(checked_labels(file.rows(0, file.shape[0]), file.title, title, num_classes))


def checked_labels(values: NDArray[Any], where: str, title: str, num_classes: int) -> NDArray[np.int64]:
    """Whole numbers of any size, those of Python too, as int64; checked first, since int64 would not hold all of them.

    Args:
        values: the labels (n,).
        where: the file that they are from, for messages.
        title: of the dataset, for messages.
        num_classes: how many labels there are.

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
        DataError: what was found.
    """
    if file.dtype != np.uint8 or file.shape != (count, *_IMAGE):
        raise DataError(
            f"{file.title}: expected uint8 {[count, *_IMAGE]}, one image for each label, found {_described(file)}"
        )


def read_pixels(file: NpyFile, start: int, stop: int) -> Tensor:
    """Images of a checked file, uint8 (stop - start, 3, 32, 32), in memory of their own."""
    rows, columns, channels = _IMAGE
    pixels = np.empty((stop - start, channels, rows, columns), np.uint8)
    for first in range(start, stop, _AT_ONCE):
        last = min(first + _AT_ONCE, stop)
        pixels[first - start : last - start] = file.rows(first, last).transpose(0, 3, 1, 2)
    return torch.from_numpy(pixels)


def _described(file: NpyFile) -> str:
    return f"{file.dtype} {list(file.shape)}"
