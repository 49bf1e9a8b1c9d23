"""Which images of a training set to hold out: of each class its share, so that none is lost on either side."""

import warnings

import torch
from torch import Tensor

from resnetzoo.data.image_set import ImageSet
from resnetzoo.utils.text import some


def stratified(train: ImageSet, order: Tensor, held_out: int) -> Tensor:
    """The indices (held_out,) to hold out: of each class the first in `order`, as many as its share of the images.

    A class of two images or more keeps one on either side where `held_out` allows it; a single one stays in training.

    Args:
        train: what is cut.
        order: a permutation (N,) of its images.
        held_out: how many to hold out, below N.

    Warns:
        UserWarning: a class has fewer than two images, or all of its images are held out.
    """
    counts = torch.bincount(train.labels.cpu(), minlength=len(train.classes)).tolist()
    shares = _shares(counts, held_out)
    _warn(train.classes, counts, shares)
    labels = train.labels.cpu()[order]
    return torch.cat([order[labels == label][:share] for label, share in enumerate(shares)])


def _shares(counts: list[int], held_out: int) -> list[int]:
    """How many of each class: its share, rounded so that their sum is `held_out`, and one left on either side."""
    lowest = [min(1, max(0, count - 1)) for count in counts]
    highest = [max(0, count - 1) for count in counts]
    if held_out < sum(lowest):
        lowest = [0] * len(counts)
    if held_out > sum(highest):
        highest = counts
    exact = [count * held_out / sum(counts) for count in counts]
    shares = [min(max(int(share), low), high) for share, low, high in zip(exact, lowest, highest, strict=True)]
    while (missing := held_out - sum(shares)) != 0:
        step = 1 if missing > 0 else -1
        movable = [
            label
            for label, share in enumerate(shares)
            if (share < highest[label] if step > 0 else share > lowest[label])
        ]
        chosen = max(movable, key=lambda label: step * (exact[label] - shares[label]))  # the first of equals
        shares[chosen] += step
    return shares


def _warn(classes: tuple[str, ...], counts: list[int], shares: list[int]) -> None:
    few = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if count < 2]
    if few:
        warnings.warn(
            f"of these classes there are fewer than two images, so none to hold out: {some(few)}", stacklevel=4
        )
    emptied = [name for name, count, share in zip(classes, counts, shares, strict=True) if count and share == count]
    if emptied:
        warnings.warn(
            f"all images of these classes are held out, none is left to learn from: {some(emptied)}", stacklevel=4
        )
