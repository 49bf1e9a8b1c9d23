"""fp32 that is fp32: no TF32 of a GPU, no bf16 of a CPU's library, no autocast of the caller's.

Unless told otherwise, torch computes convolutions of fp32 tensors in TF32 on CUDA, which has 10 bits of fraction for
fp32's 23, and a caller may have allowed the same, or bf16, for matrix products. The settings are the whole process's.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

import torch

from resnetzoo.utils.device import Precision, autocast

_EXACT = ("none", "ieee")  # what torch calls fp32 that is not shortened
_OPERATIONS = {
    "cuda": ("cudnn.conv", "cudnn.rnn", "cuda.matmul"),
    "cpu": ("mkldnn.conv", "mkldnn.rnn", "mkldnn.matmul"),
}  # in `torch.backends`
_Value = TypeVar("_Value")


@contextmanager
def computing(device: torch.device, precision: Precision = "fp32") -> Iterator[None]:
    """A block whose networks compute on `device` in `precision`, whatever the caller has switched on or allowed."""
    with full_fp32(device), autocast(device, precision):
        yield


@contextmanager
def full_fp32(device: torch.device, *, benchmark: bool | None = None) -> Iterator[None]:
    """A block in which nothing that is computed in fp32 on `device` is shortened to TF32 or bf16 on the way.

    Afterwards, also by an error, the caller's settings are what they were. Blocks may lie in each other and be open in
    several threads at once: the last one to end gives the settings back. None may stay open while other code runs, as
    it would over the pause between two steps of a run.

    Args:
        device: CUDA, or a CPU, where only a caller's own setting shortens fp32; elsewhere nothing changes.
        benchmark: on CUDA, whether cuDNN times its algorithms for each new shape and keeps the fastest; None leaves
            that to the caller's setting.
    """
    if device.type not in _OPERATIONS:
        yield
        return
    with _blocks.one_more(device), cudnn_benchmark(benchmark if device.type == "cuda" else None):
        yield


def shortens_fp32(device: torch.device) -> bool:
    """Whether torch may now compute in TF32, or on a CPU in bf16, what is given to it in fp32 on `device`."""
    if device.type not in _OPERATIONS:
        return False
    operations = _operations(device.type)
    if operations:
        return any(operation.fp32_precision not in _EXACT for operation in operations)
    if device.type == "cuda":
        return bool(torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32)
    return torch.get_float32_matmul_precision() != "highest"


@dataclass(frozen=True)
class _Settings:
    """What the caller allows, under both kinds of names that torch has for it.

    A caller who uses the newer ones leaves the older ones in a state that torch refuses to read: None here.
    """

    cudnn_tf32: bool | None
    matmul: str | None
    operations: tuple[str, ...]  # one for each of `_operations`

    @classmethod
    def found(cls) -> "_Settings":
        return cls(
            _unless_refused(lambda: torch.backends.cudnn.allow_tf32),
            _unless_refused(torch.get_float32_matmul_precision),
            tuple(operation.fp32_precision for operation in _operations(*_OPERATIONS)),
        )

    def restore(self) -> None:
        if self.cudnn_tf32 is not None:
            torch.backends.cudnn.allow_tf32 = self.cudnn_tf32
        if self.matmul is not None:
            torch.set_float32_matmul_precision(self.matmul)
        for operation, found in zip(_operations(*_OPERATIONS), self.operations, strict=True):
            for value in ("none", found):  # with none it follows the setting for all operations, as it may have before
                if operation.fp32_precision != found:
                    operation.fp32_precision = value


def _shorten_nothing() -> None:
    """By the older names, which all versions read; by the newer ones where a caller's use of them still holds."""
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    for operation in _operations(*_OPERATIONS):
        if operation.fp32_precision not in _EXACT:
            operation.fp32_precision = "ieee"


class _Blocks:
    """The open blocks of all threads, and what the settings were before the first of them that had to change any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._before: _Settings | None = None

    @contextmanager
    def one_more(self, device: torch.device) -> Iterator[None]:
        with self._lock:
            if shortens_fp32(device):
                self._before = self._before or _Settings.found()
                _shorten_nothing()
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                if not self._open and self._before:
                    self._before.restore()
                    self._before = None


_blocks = _Blocks()  # one for the process, as the settings are


@contextmanager
def cudnn_benchmark(wanted: bool | None) -> Iterator[None]:
    """A block in which cuDNN times its algorithms for each new shape and keeps the fastest, or not; None: as before."""
    if wanted is None:
        yield
        return
    found = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = wanted
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = found


def _operations(*device_types: str) -> list[Any]:
    """Where torch keeps `fp32_precision` of the operations on these devices: nowhere before torch 2.9."""
    if not hasattr(torch.backends, "fp32_precision"):
        return []
    return [attrgetter(name)(torch.backends) for device_type in device_types for name in _OPERATIONS[device_type]]


def _unless_refused(read: Callable[[], _Value]) -> _Value | None:
    try:
        return read()
    except RuntimeError:
        return None
