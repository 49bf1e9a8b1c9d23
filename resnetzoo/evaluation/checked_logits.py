"""Convert logits and labels for the metrics, to float64 and int64 on the CPU, and refuse invalid ones."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnetzoo.errors import NonFiniteLossError, UsageError
from resnetzoo.utils.text import counted, first_line, kind_of

Values: TypeAlias = Tensor | NDArray[Any]
"""Numbers of any type; a tensor may be on any device."""


def checked_logits(logits: Values) -> Tensor:
    """Logits (N, classes) of any number type and device, as float64 on the CPU.

    A logit may be minus infinity, which means a probability of 0.

    Raises:
        UsageError: they are not numbers, have another shape, or there is no image or no class.
        NonFiniteLossError: a logit is NaN or plus infinity, or all logits of an image are minus infinity.
    """
    values = _tensor(logits, "logits").to(torch.float64)
    if values.dim() != 2:
        raise UsageError(f"logits must be (images, classes), not {list(values.shape)}")
    if not values.numel():
        raise UsageError(f"nothing to measure: the logits are of {len(values)} images and {values.shape[1]} classes")
    unusable = (values.isnan() | values.isposinf()).any(dim=1) | values.isneginf().all(dim=1)
    if unusable.any():
        first = int(unusable.nonzero()[0])
        wrong = [value for value in values[first].tolist() if math.isnan(value) or value == math.inf]
        raise NonFiniteLossError(
            f"the logits of {int(unusable.sum()):,} of {len(values):,} images give no probabilities, the first of "
            f"which is image {first} with {wrong[0] if wrong else '-inf for every class'}. The network diverged, or "
            "was given another kind of input"
        )
    return values


def checked_labels(labels: Values, images: int, classes: int) -> Tensor:
    """Labels (N,) from 0, as int64 on the CPU.

    Raises:
        UsageError: they are not whole numbers, there is not one per image, or one has no logit.
    """
    values = _tensor(labels, "labels")
    if values.dtype.is_floating_point or values.dtype == torch.bool:
        raise UsageError(f"labels must be whole numbers, the index of a class each, not {values.dtype}")
    if values.shape != (images,):
        raise UsageError(f"labels must be one for each of {images:,} images, not {list(values.shape)}")
    values = values.to(torch.int64)
    outside = (values < 0) | (values >= classes)
    if outside.any():
        first = int(outside.nonzero()[0])
        raise UsageError(
            f"image {first} has label {int(values[first])}, but there are logits of only {counted(classes, 'class')}"
        )
    return values


def checked(logits: Values, labels: Values) -> tuple[Tensor, Tensor]:
    """Both logits and labels; the errors are those of `checked_logits` and `checked_labels`."""
    values = checked_logits(logits)
    return values, checked_labels(labels, *values.shape)


def log_probabilities(probabilities: Values) -> Tensor:
    """Convert probabilities (N, classes) to logits, float64: their logarithms, which softmax converts back.

    Use it for outputs to which softmax has been applied already, because all metrics here expect logits.

    Raises:
        UsageError: they are not numbers, have another shape, are outside 0 to 1, or do not add up to 1 for an image.
    """
    values = _tensor(probabilities, "probabilities").to(torch.float64)
    if values.dim() != 2 or not values.numel():
        raise UsageError(f"probabilities must be (images, classes) with at least one image, not {list(values.shape)}")
    if not ((values >= 0) & (values <= 1)).all() or ((values.sum(dim=1) - 1).abs() > _SUM_TOLERANCE).any():
        raise UsageError("probabilities must be from 0 to 1 and sum to 1 for each image; logits need no conversion")
    return values.log()


def _tensor(values: object, field: str) -> Tensor:
    """The numbers in a dense tensor on the CPU; an array may have any layout, byte order and width of NumPy.

    Raises:
        UsageError: they are not real numbers, or one is a whole number that does not fit into int64.
    """
    if isinstance(values, list | tuple) and values and all(isinstance(value, Tensor) for value in values):
        values = _stacked(values, field)
    if isinstance(values, Tensor) and (values.is_meta or values.is_quantized or values.is_nested):
        kind = "on the meta device" if values.is_meta else "quantized" if values.is_quantized else "nested"
        raise UsageError(f"{field} must be numbers in a dense tensor, and this tensor is {kind}")
    if isinstance(values, Tensor) and values.dtype == torch.uint64:
        values = values.detach().cpu().numpy()
    if not isinstance(values, Tensor):
        array = _array(values, field)
        if array.dtype.kind not in "biuf":
            raise UsageError(f"{field} must be a tensor or an array of real numbers, not {_kind(values, array)}")
        if array.dtype.kind == "u" and array.size and array.max() > _LARGEST:
            raise UsageError(f"{field} must be at most {_LARGEST}, not {array.max()}")
        wide = {"f": np.float64, "i": np.int64, "u": np.int64}.get(array.dtype.kind, array.dtype)
        return torch.from_numpy(array.astype(wide))
    if values.is_complex() or values.layout != torch.strided:
        raise UsageError(f"{field} must be real numbers in a dense tensor, not {values.dtype}, {values.layout}")
    return values.detach().cpu()


def _stacked(values: Sequence[Tensor], field: str) -> Tensor:
    """One tensor from a list of tensors, such as the outputs for single images."""
    try:
        return torch.stack([value.detach() for value in values])
    except RuntimeError as error:
        raise UsageError(f"{field} must be one tensor, or tensors of one shape: {first_line(error)}") from error


def _array(values: object, field: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, RuntimeError, TypeError) as error:  # rows of several lengths, or objects that refuse
        raise UsageError(
            f"{field} must be a tensor or an array of real numbers, and this is {kind_of(values)} which cannot become "
            f"one: {first_line(error)}"
        ) from error


def _kind(values: object, array: NDArray[Any]) -> str:
    return f"an array of {array.dtype}" if isinstance(values, np.ndarray) else kind_of(values)


_LARGEST = 2**63 - 1
"""The largest whole number of int64."""

_SUM_TOLERANCE = 0.02
"""How far the sum of probabilities may be from 1, as it can be for 1,000 probabilities in bf16."""
