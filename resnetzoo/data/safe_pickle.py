"""Load pickles of arrays and plain containers only; a pickle that names any other code is refused."""

import io
import pickle
from typing import Any

import numpy as np

from resnetzoo.errors import DataError


def _latin1_bytes(text: str, encoding: str) -> bytes:
    """Stand in for the function by which Python 3 writes bytes into an old-protocol pickle, always in this encoding."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in encoding {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Stand in for `bytes`, which an old-protocol pickle of Python 3 calls without arguments for empty bytes."""
    return b""


# The functions that numpy names when it pickles an array, taken from numpy because their module has moved.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
_FROM_BUFFER = np.empty(0).__reduce_ex__(5)[0]
_ALLOWED: dict[tuple[str, str], object] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1_bytes,
    ("__builtin__", "bytes"): _no_bytes,
    ("builtins", "bytes"): _no_bytes,
}


class _ForbiddenError(DataError):
    """A pickle that names something other than an array or a plain container."""


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED:
            raise _ForbiddenError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: object) -> object:
        raise _ForbiddenError("it refers to objects outside itself")


def unpickle_arrays(content: bytes, file: str) -> Any:
    """Load a pickle, if it contains only numpy arrays, lists, tuples, dictionaries, strings and numbers.

    Args:
        content: the whole pickle.
        file: its name, for the message.

    Raises:
        DataError: the pickle names other code, is truncated or garbage, or is followed by more bytes.
    """
    stream = io.BytesIO(content)
    try:
        value = _ArrayUnpickler(stream, encoding="latin1").load()
    except _ForbiddenError as error:
        raise DataError(
            f"{file}: refused: {error}; the pickle of a dataset contains only arrays and plain containers, and "
            "opening this one could run arbitrary code"
        ) from None
    # A damaged pickle may fail in any of its instructions, and therefore with any exception.
    except Exception as error:
        raise DataError(
            f"{file}: truncated or not a pickle: {type(error).__name__} after byte {stream.tell():,} of the "
            f"{len(content):,} found"
        ) from error
    if stream.read(1):
        raise DataError(f"{file}: {len(content):,} bytes found, but its pickle ends earlier: remove the bytes after it")
    return value
