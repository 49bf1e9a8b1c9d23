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

TOLERANCE = 1e-4  # of an output
ROUNDINGS = 10  # what is allowed instead, in roundings of the network itself, where that is more
BATCHES = (1, 3)  # images
TRACED = 2  # images, where a batch may have any number of them


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: the file.
        runtime: the runtime that loaded it back and ran it, with its version.
        max_difference: the largest absolute difference between an output of it and of the model.
        rounding: the largest between an output of the model in float32 and in float64; infinite where float32 does not
            hold the outputs, as those of a thousand layers without training.
    """

    path: Path
    runtime: str
    max_difference: float
    rounding: float


_OF_TORCH_ITSELF = (
    (FutureWarning, r"`isinstance\(treespec, LeafSpec\)` is deprecated"),  # 2.11's ONNX exporter
    (UserWarning, "The given buffer is not writable"),  # 2.11, which reads a program that nobody writes to
)
"""Warnings about how torch calls itself, of which nobody who exports can do anything."""


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
    """What can be said of the file at `path`, once `run`, which its runtime loaded, has answered as the network does.

    Both get random batches of one image and of three, or one of `batch` images where the file takes no others. A
    difference of 1e-4 is allowed, or ten times what the network's own outputs differ between float32 and float64: two
    runtimes add up in different orders, and untrained deep networks make of that what they like (0.2 of plainnet110's
    fresh logits of 0.6; 1e-6 of a trained one's). Where float32 does not hold an output, it only has to be beyond
    float32 in both.

    Raises:
        ExportError: a difference is larger, a shape is another, or the network's own outputs are not finite in float64.
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
        if not apart <= allowed:  # NaN is not
            raise ExportError(
                f"{runtime} differs from the model by {apart:.2g} on {count} random images, but only {allowed:.2g} is "
                "allowed: nothing was written"
            )
        difference, rounding = max(difference, apart), max(rounding, own)
    return Exported(path, runtime, difference, rounding)


def _largest(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max()) if found.numel() else 0.0
