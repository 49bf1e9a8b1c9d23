"""Which images of a set to hold out, or to take for the first: of each class its share, so that none is lost."""

import warnings

import torch
from torch import Tensor

from resnetzoo.data.image_set import ImageSet
from resnetzoo.utils.text import some

_BY_CHANCE = 10
"""So many images a class, of such as lie in no order, show all classes; of ten and fewer some may well lack one."""


def stratified(train: ImageSet, order: Tensor, held_out: int) -> Tensor:
    """The indices (held_out,) to hold out: of each class the first in `order`, as many as its share of the images.

    A class of two images or more keeps one on either side where `held_out` allows it; a single one stays in training.

    Args:
        train: what is cut.
        order: a permutation (N,) of its images.
        held_out: how many to hold out, below N.

    Warns:
        UserWarning: a class has fewer than two images and none is held out, or all of its images are.
    """
    counts = _counts(train)
    shares = _shares(counts, held_out, left=1)
    _warn(train.classes, counts, shares)
    return _of_each(train, order, shares)


def first_images(part: ImageSet, count: int) -> Tensor | slice:
    """The indices of the first `count` images; where they lie class by class, of the first of each class, its share.

    Warns:
        UserWarning: they lie otherwise, and the first ones, ten a class or more, lack one of these.
    """
    if lies_by_class(part):
        order = torch.arange(len(part), device="cpu")
        return _of_each(part, order, _shares(_counts(part), count, left=0)).sort().values
    first = _counts(part.select(slice(count)))
    lost = [name for name, all_, some_ in zip(part.classes, _counts(part), first, strict=True) if all_ and not some_]
    if lost and count >= _BY_CHANCE * len(part.classes):
        warnings.warn(
            f"the first {count:,} of {len(part):,} images lack these classes: {some(lost)}; use more images, or "
            "shuffle them first",
            stacklevel=4,
        )
    return slice(count)


def lies_by_class(part: ImageSet) -> bool:
    """Whether all images of a class lie side by side, as those of a folder do."""
    labels = part.labels.cpu()
    classes = len(torch.unique(labels))
    return 1 < classes == int((labels[1:] != labels[:-1]).sum()) + 1


def _counts(part: ImageSet) -> list[int]:
    """How many images of each class there are."""
    counts: list[int] = torch.bincount(part.labels.cpu(), minlength=len(part.classes)).tolist()
    return counts


def _of_each(part: ImageSet, order: Tensor, shares: list[int]) -> Tensor:
    """The indices of the first in `order` of each class, as many as its share."""
    labels = part.labels.cpu()[order]
    return torch.cat([order[labels == label][:share] for label, share in enumerate(shares)])


def _shares(counts: list[int], wanted: int, *, left: int) -> list[int]:
    """How many of each class: its share, rounded so that their sum is `wanted`, and at least one.

    Args:
        counts: of each class, how many there are.
        wanted: of all classes.
        left: how many of each class should be left over, where `wanted` allows it.
    """
    lowest = [min(1, max(0, count - left)) for count in counts]
    highest = [max(0, count - left) for count in counts]
    if wanted < sum(lowest):
        lowest = [0] * len(counts)
    if wanted > sum(highest):
        highest = counts
    exact = [count * wanted / sum(counts) for count in counts]
    shares = [min(max(int(share), low), high) for share, low, high in zip(exact, lowest, highest, strict=True)]
    while (missing := wanted - sum(shares)) != 0:
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
    rows = list(zip(classes, counts, shares, strict=True))
    few = [f"{name} ({count})" for name, count, share in rows if count < 2 and not share]
    if few:
        warnings.warn(
            f"these classes have fewer than two images each, and none of them is held out: {some(few)}", stacklevel=4
        )
    emptied = [name for name, count, share in rows if count and share == count]
    if emptied:
        warnings.warn(
            f"all images of these classes are held out, which leaves none to train on: {some(emptied)}", stacklevel=4
        )
