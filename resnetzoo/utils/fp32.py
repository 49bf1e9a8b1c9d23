"""Full fp32: no TF32 on a GPU, no bf16 in a CPU's library, and none of the caller's autocast.

Unless told otherwise, torch computes convolutions of fp32 tensors in TF32 on CUDA, which has 10 bits of fraction
instead of fp32's 23, and a caller may have allowed TF32 or bf16 for matrix products too. The settings are process-wide.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

import torch

from resnetzoo.utils.device import Precision, autocast

_EXACT = ("none", "ieee")  # torch's names for full fp32
_OPERATIONS = {
    "cuda": ("cudnn.conv", "cudnn.rnn", "cuda.matmul"),
    "cpu": ("mkldnn.conv", "mkldnn.rnn", "mkldnn.matmul"),
}  # in `torch.backends`
_Value = TypeVar("_Value")


@contextmanager
def computing(device: torch.device, precision: Precision = "fp32") -> Iterator[None]:
    """A block in which networks compute on `device` in `precision`, whatever the caller has enabled or allowed."""
    with full_fp32(device), autocast(device, precision):
        yield


@contextmanager
def full_fp32(device: torch.device, *, benchmark: bool | None = None) -> Iterator[None]:
    """A block in which no fp32 computation on `device` is shortened to TF32 or bf16.

    Afterwards, also after an error, the caller's settings are restored. Blocks may be nested and open in several
    threads at once: the last one to end restores the settings. No block may stay open while other code runs, for
    example over the pause between two steps of a run.

    Args:
        device: CUDA, or a CPU, where only a caller's own setting shortens fp32; on other devices nothing changes.
        benchmark: on CUDA, whether cuDNN times its algorithms for each new shape and keeps the fastest; None keeps the
            caller's setting.
    """
    if device.type not in _OPERATIONS:
        yield
        return
    with _blocks.one_more(device), cudnn_benchmark(benchmark if device.type == "cuda" else None):
        yield


def shortens_fp32(device: torch.device) -> bool:
    """Whether torch may now shorten fp32 computations on `device` to TF32, or on a CPU to bf16."""
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
    """The caller's settings, under both of torch's sets of names.

    If a caller uses the newer names, torch refuses to read the older ones: None here.
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
    """Set full fp32 by the older names, which all versions read, or by the newer ones if the caller has used those."""
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    for operation in _operations(*_OPERATIONS):
        if operation.fp32_precision not in _EXACT:
            operation.fp32_precision = "ieee"


class _Blocks:
    """The open blocks of all threads, and the settings before the first block that had to change any."""

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


_blocks = _Blocks()  # one for the process, like the settings


@contextmanager
def cudnn_benchmark(wanted: bool | None) -> Iterator[None]:
    """A block in which cuDNN times its algorithms for each new shape and keeps the fastest; None changes nothing."""
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
    """The objects in which torch keeps `fp32_precision` of the operations on these devices; none before torch 2.9."""
    if not hasattr(torch.backends, "fp32_precision"):
        return []
    return [attrgetter(name)(torch.backends) for device_type in device_types for name in _OPERATIONS[device_type]]


def _unless_refused(read: Callable[[], _Value]) -> _Value | None:
    try:
        return read()
    except RuntimeError:
        return None
