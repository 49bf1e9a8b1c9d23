"""Logits and labels as the metrics take them: float64 on the CPU, with invalid ones refused."""

from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor

from resnetzoo.errors import NonFiniteLossError, UsageError

Values: TypeAlias = Tensor | NDArray[Any]
"""Of any number type; a tensor may be on any device."""


def checked_logits(logits: Values) -> Tensor:
    """Logits (N, classes) of any number type and device, as float64 on the CPU.

    A logit may be minus infinity, which is a probability of 0.

    Raises:
        UsageError: another shape, no image or no class.
        NonFiniteLossError: NaN, plus infinity, or an image all of whose classes are ruled out.
    """
    values = torch.as_tensor(logits).detach().to("cpu", torch.float64)
    if values.dim() != 2:
        raise UsageError(f"logits must be (images, classes), not {list(values.shape)}")
    if not values.numel():
        raise UsageError(f"nothing to measure: the logits are of {len(values)} images and {values.shape[1]} classes")
    unusable = (values.isnan() | values.isposinf()).any(dim=1) | values.isneginf().all(dim=1)
    if unusable.any():
        first = int(unusable.nonzero()[0])
        raise NonFiniteLossError(
            f"{int(unusable.sum()):,} of {len(values):,} images have logits that give no probabilities, the first of "
            f"which is image {first}: {values[first, :5].tolist()}. The network diverged, or was given another kind of "
            "input"
        )
    return values


def checked_labels(labels: Values, images: int, classes: int) -> Tensor:
    """Labels (N,) from 0, as int64 on the CPU.

    Raises:
        UsageError: no whole numbers, not one an image, or one that no logit stands for.
    """
    values = torch.as_tensor(labels).detach().cpu()
    if values.dtype.is_floating_point or values.dtype.is_complex or values.dtype == torch.bool:
        raise UsageError(f"labels must be whole numbers, the index of a class each, not {values.dtype}")
    if values.shape != (images,):
        raise UsageError(f"labels must be one for each of {images:,} images, not {list(values.shape)}")
    values = values.to(torch.int64)
    outside = (values < 0) | (values >= classes)
    if outside.any():
        first = int(outside.nonzero()[0])
        raise UsageError(
            f"image {first} has label {int(values[first])}, but there are logits of only {classes} classes"
        )
    return values


def checked(logits: Values, labels: Values) -> tuple[Tensor, Tensor]:
    """Both of them; the errors are those of `checked_logits` and `checked_labels`."""
    values = checked_logits(logits)
    return values, checked_labels(labels, *values.shape)


def log_probabilities(probabilities: Values) -> Tensor:
    """Probabilities (N, classes) as logits, float64: their logarithm, of which the softmax gives them back.

    For outputs that have gone through a softmax: all measures here take logits.

    Raises:
        UsageError: another shape, a number outside 0 to 1, or an image whose probabilities do not add up to 1.
    """
    values = torch.as_tensor(probabilities).detach().to("cpu", torch.float64)
    if values.dim() != 2 or not values.numel():
        raise UsageError(f"probabilities must be (images, classes) with at least one image, not {list(values.shape)}")
    if not ((values >= 0) & (values <= 1)).all() or ((values.sum(dim=1) - 1).abs() > _SUM_TOLERANCE).any():
        raise UsageError("probabilities must be from 0 to 1 and sum to 1 for each image; logits need no conversion")
    return values.log()


_SUM_TOLERANCE = 0.02
"""How far probabilities may be from adding up to 1: 1,000 of them in bf16 are."""
