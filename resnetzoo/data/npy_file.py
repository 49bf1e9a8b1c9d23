"""Arrays in `.npy` files, which may be in an uncompressed archive: checked when opened, read in parts later."""

import math
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from resnetzoo.errors import DataError
from resnetzoo.utils.text import first_line

_HEADER_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}


@dataclass(frozen=True)
class NpyFile:
    """An array that stays in its file.

    Attributes:
        path: the file or archive that contains its values.
        title: its name in messages.
        shape: shape of the array.
        dtype: type of its values, never Python objects.
        fortran_order: whether consecutive values differ in the first index, and not in the last.
        offset: position of the first value, in bytes from the beginning of the file.
    """

    path: Path
    title: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    offset: int

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The part from `start` to `stop` of the first index, in new memory; the rest is not read.

        Raises:
            DataError: the file has become shorter.
            OSError: it cannot be read.
        """
        try:
            values = np.memmap(self.path, self.dtype, "r", self.offset, self.shape, "F" if self.fortran_order else "C")
        except ValueError as error:  # numpy's error if the file ends before the array does
            raise DataError(f"{self.title}: truncated after it was opened: {error}") from error
        return np.array(values[start:stop], order="C")


def open_npy(path: Path, *, start: int = 0, length: int | None = None, inside: str = "") -> NpyFile:
    """Read the header of a `.npy` file, but no values; arrays of Python objects are refused.

    Args:
        path: the file, or an archive that contains it.
        start: where it begins in the archive, in bytes.
        length: its length there, in bytes; by default all of `path` from `start` on.
        inside: its name there, for messages.

    Raises:
        DataError: it is not a `.npy` file, has an array of Python objects, or is shorter or longer than it states.
        OSError: it cannot be read.
    """
    title = f"{path} ({inside})" if inside else str(path)
    found = path.stat().st_size - start if length is None else length
    if found == 0:
        raise DataError(f"{title}: empty: 0 bytes found")
    with path.open("rb") as file:
        file.seek(start)
        shape, fortran_order, dtype = _read_header(file, title)
        offset = file.tell()
    if dtype.hasobject or any(count < 0 for count in shape):
        raise DataError(f"{title}: expected an array of numbers, found {dtype} {list(shape)}, which is not loaded")
    expected = offset - start + dtype.itemsize * math.prod(shape)
    if found != expected:
        kind = "truncated" if found < expected else "too long"
        raise DataError(f"{title}: {kind}: {found:,} bytes found, {expected:,} expected for {dtype} {list(shape)}")
    return NpyFile(path, title, shape, dtype, fortran_order, offset)


def _read_header(file: BinaryIO, title: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The shape, whether the array is in Fortran order, and the type."""
    try:
        version = npy_format.read_magic(file)
        if version not in _HEADER_READERS:
            raise ValueError(f"version {'.'.join(str(part) for part in version)} of the format is not supported")
        shape, fortran_order, dtype = _HEADER_READERS[version](file)
    except (ValueError, SyntaxError, TypeError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise DataError(f"{title}: not a .npy file as numpy.save writes it: {first_line(error)}") from error
    return shape, fortran_order, dtype
