"""Check an export: it is written only if its own runtime gives the same outputs as the network."""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from resnetzoo.errors import ExportError
from resnetzoo.export.subject import Subject
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import copy_of

TOLERANCE = 1e-4  # largest difference that is always allowed
ROUNDINGS = 10  # multiple of the network's own rounding errors that is allowed instead, if that is more
BATCHES = (1, 3)  # images per batch
TRACED = 2  # images to trace with if a batch may have any number of them


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: the file.
        runtime: the runtime that loaded it back and ran it, with its version.
        max_difference: the largest absolute difference between the outputs of the file and of the model.
        rounding: the largest absolute difference between the model's outputs in float32 and in float64; infinite if
            float32 cannot represent the outputs, such as those of an untrained network of a thousand layers.
    """

    path: Path
    runtime: str
    max_difference: float
    rounding: float


_OF_TORCH_ITSELF = (
    (FutureWarning, r"`isinstance\(treespec, LeafSpec\)` is deprecated"),  # 2.11's ONNX exporter
    (UserWarning, "The given buffer is not writable"),  # 2.11, when it reads a program, which nobody writes to
)
"""Warnings about how torch calls itself, which nobody who exports can do anything about."""


@contextmanager
def exporting() -> Iterator[None]:
    """A block in which networks are traced and run in fp32 on the CPU, whatever the caller has switched on."""
    cpu = torch.device("cpu")
    with torch.inference_mode(False), cpu, computing(cpu), warnings.catch_warnings():
        for category, message in _OF_TORCH_ITSELF:
            warnings.filterwarnings("ignore", message, category)
        yield


def verified(
    subject: Subject, run: Callable[[Tensor], Tensor], runtime: str, path: Path, batch: int | None = None
) -> Exported:
    """Check that `run`, loaded by `runtime`, returns the network's outputs, and describe the file at `path`.

    Both get random batches of one image and of three, or one batch of `batch` images if the file accepts no others. A
    difference of 1e-4 is allowed, or ten times the difference between the network's own outputs in float32 and float64
    if that is larger: two runtimes add up in different orders, and untrained deep networks amplify the differences (0.2
    in a fresh plainnet110's logits of 0.6, but 1e-6 in a trained one's). An output that float32 cannot represent only
    has to be infinite or NaN in both.

    Raises:
        ExportError: a difference is larger, the shapes differ, or the network's own outputs are not finite in float64.
    """
    exact = copy_of(subject.module).double()
    difference = rounding = 0.0
    for count in BATCHES if batch is None else (batch,):
        inputs = subject.inputs(count)
        with exporting(), torch.inference_mode():
            expected = subject.module(inputs)  # (count, classes)
            found = run(inputs)
            truth = exact(inputs if inputs.dtype == torch.uint8 else inputs.double())
        if not truth.isfinite().all():
            raise ExportError(
                f"the outputs of {subject.network.spec.label} itself are not finite, so an export of it cannot be "
                "checked: train it first"
            )
        if found.shape != expected.shape:
            raise ExportError(
                f"{runtime} returns outputs of shape {list(found.shape)}, but the model returns {list(expected.shape)}"
            )
        held = expected.isfinite()
        own = _largest(expected, truth) if held.all() else math.inf
        apart = _largest(found[held], expected[held]) if torch.equal(found.isfinite(), held) else math.nan
        allowed = max(TOLERANCE, ROUNDINGS * own)
        if not apart <= allowed:  # also refuses NaN
            raise ExportError(
                f"{runtime} differs from the model by {apart:.2g} on {count} random images, but only {allowed:.2g} is "
                "allowed: nothing was written"
            )
        difference, rounding = max(difference, apart), max(rounding, own)
    return Exported(path, runtime, difference, rounding)


def _largest(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max()) if found.numel() else 0.0
