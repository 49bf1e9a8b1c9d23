"""The loss surface around a network's weights, on a plane through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.analysis.hooks import analysed_network, layer_weights
from resnetzoo.analysis.inputs import CHUNK, Batch, labelled_input
from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.utils.device import at_least_fp32
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import copy_of, device_of, in_mode, with_plain_weights
from resnetzoo.utils.validation import check_real, check_seed, check_whole_number

Tensors = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Surface:
    """The loss on a grid around a network's weights, which are in the center, at (0, 0).

    Attributes:
        first: float64 (points,), steps along the first direction, in units of each filter's norm.
        second: float64 (points,), steps along the second.
        losses: float64 (points, points), mean cross-entropy in nats; `losses[i, j]` is at `first[i]`, `second[j]`.
    """

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    losses: NDArray[np.float64]


def loss_surface(model: nn.Module, batch: Batch, *, points: int = 21, span: float = 1.0, seed: int = 0) -> Surface:
    """Mean cross-entropy on a plane through the model's weights, in evaluation mode.

    The two directions are random and filter-normalized (arXiv:1712.09913, section 4): each filter (a convolution's
    output channel, a row of the classifier) is drawn from a normal distribution and scaled to the norm of the model's
    filter. Norms, biases and running statistics are not changed. The center of the grid is the loss of the model
    itself.

    Computed on the model's device; the model is not changed. It takes points x points evaluations of `batch`; the
    default with 500 images evaluates 220,500 images.

    Args:
        model: a network of this package.
        batch: an `ImageSet`, such as `data.train.select(slice(500))`, or (images, labels), with int64 labels (N,) and
            images uint8 (pixels) or float (already normalized) (N, C, H, W). Pixels are normalized as in the model's
            training, or, if the model does not state that, by their own mean and standard deviation.
        points: number of points per side of the grid; odd, so that one is in the middle.
        span: the farthest step on either side, in units of each filter's norm.
        seed: seed of the directions, which are the same on every device.

    Raises:
        UsageError: another kind of model, images or labels, a network without a classifier, a layer of another class
            that has parameters but no `weight`, `points` that is even or below 3, a `span` that is not a positive
            number, or an invalid `seed`.
    """
    check_whole_number("points", points, minimum=3)
    if points % 2 == 0:
        raise UsageError(f"points must be odd, so that one point is in the middle, not {points}: use {points + 1}")
    check_real("span", span)
    if not isfinite(span) or span <= 0:
        raise UsageError(f"span must be a number above 0, not {span!r}")
    check_seed(seed)
    twin = with_plain_weights(in_mode(copy_of(analysed_network(model)), training=False))
    generator = torch.Generator().manual_seed(seed)
    steps = np.arange(-(points // 2), points // 2 + 1) / (points // 2) * span  # exactly 0 in the middle
    with torch.inference_mode(), computing(device_of(twin)):
        inputs, labels = labelled_input(twin, batch)
        chunks = list(zip(torch.split(inputs, CHUNK), torch.split(labels, CHUNK), strict=True))
        weights = _distinct({f"{name}.weight": weight for name, weight in layer_weights(twin).items()})
        one, other = _direction(weights, generator), _direction(weights, generator)
        losses = np.empty((points, points))
        for i, a in enumerate(steps.tolist()):
            for j, b in enumerate(steps.tolist()):
                moved = {name: weight + a * one[name] + b * other[name] for name, weight in weights.items()}
                losses[i, j] = _loss(twin, moved, chunks)
    return Surface(first=steps, second=steps.copy(), losses=losses)


def _distinct(weights: Tensors) -> Tensors:
    """The weights without repetition: weights that several layers share appear once, and move together."""
    first = {id(weight): name for name, weight in reversed(weights.items())}
    return {name: weight for name, weight in weights.items() if first[id(weight)] == name}


def _direction(weights: Tensors, generator: torch.Generator) -> Tensors:
    """Random normal weights, each filter scaled to the norm of the same filter in `weights`."""
    direction = {}
    for name, weight in weights.items():
        filters = weight.flatten(1)  # (filters, weights of each)
        drawn = torch.randn(filters.shape, dtype=torch.float32, device="cpu", generator=generator).to(weight)
        scale = torch.linalg.vector_norm(filters, dim=1) / torch.linalg.vector_norm(drawn, dim=1)
        direction[name] = (drawn * scale[:, None]).view_as(weight)
    return direction


def _loss(network: CifarNet, weights: Tensors, chunks: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Mean cross-entropy of `network` with `weights` instead of its own."""
    total = 0.0
    for inputs, labels in chunks:
        logits: Tensor = functional_call(network, weights, (inputs,))  # (n, classes)
        total += float(F.cross_entropy(at_least_fp32(logits), labels, reduction="sum"))
    return total / sum(len(labels) for _, labels in chunks)
