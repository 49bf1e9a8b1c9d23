"""Types that training scripts leave beside the weights, and that are made without running anybody's code.

Options of argparse, paths, defaultdicts and single numbers of numpy: torch by itself refuses the files that hold them.
"""

import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath, PureWindowsPath
from typing import cast

import numpy as np
import torch

_NUMBERS = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "U1")
_LOCK = threading.Lock()  # torch has one list of what it trusts for the whole process


@contextmanager
def harmless_types_allowed() -> Iterator[None]:
    """Let `torch.load(weights_only=True)` make these types too; what the caller allows stays allowed behind it."""
    with _LOCK:
        before = torch.serialization.get_safe_globals()
        with torch.serialization.safe_globals([one for one in _harmless() if one not in before]):
            yield


def _harmless() -> list[Callable[..., object] | tuple[Callable[..., object], str]]:
    """What is called for a name in a file."""
    number = cast("Callable[..., object]", np.float64(0).__reduce__()[0])  # its module depends on numpy's version
    paths = ((PurePosixPath, "PosixPath"), (PureWindowsPath, "WindowsPath"))  # pure: no system makes the other's
    return [
        Namespace,
        *((path, f"{module}.{name}") for module in ("pathlib", "pathlib._local") for path, name in paths),
        (_dictionary, "collections.defaultdict"),
        *((factory, f"builtins.{factory.__name__}") for factory in (bool, dict, float, int, list, str)),
        (number, "numpy.core.multiarray.scalar"),
        (number, "numpy._core.multiarray.scalar"),
        (np.dtype, "numpy.dtype"),
        *(type(np.dtype(code)) for code in _NUMBERS),
    ]


def _dictionary(_factory: object = None) -> dict[object, object]:
    """In place of a defaultdict, which torch does not fill; nothing here asks for what is not in it."""
    return {}
