"""Choose images to hold out, or the first images, in proportion to each class, so that no class is lost."""

import warnings

import torch
from torch import Tensor

from resnetzoo.data.image_set import ImageSet
from resnetzoo.utils.text import some

_BY_CHANCE = 10
"""With this many images per class, in random order, no class should be missing; with fewer, one may be by chance."""


def stratified(train: ImageSet, order: Tensor, held_out: int) -> Tensor:
    """The indices (held_out,) to hold out: the first images of each class in `order`, in proportion to its size.

    A class with two or more images keeps at least one on either side, and a single image stays in training, if
    `held_out` allows it.

    Args:
        train: the set to divide.
        order: a permutation (N,) of its images.
        held_out: number of images to hold out, below N.

    Warns:
        UserWarning: a class has fewer than two images and none is held out, or all of its images are.
    """
    counts = _counts(train)
    shares = _shares(counts, held_out, left=1)
    _warn(train.classes, counts, shares)
    return _of_each(train, order, shares)


def first_images(part: ImageSet, count: int) -> Tensor | slice:
    """The indices of the first `count` images; if they are grouped by class, the first ones of each class.

    Each class then has a share in proportion to its size.

    Warns:
        UserWarning: the images are in another order, and at least ten per class are taken, but a class is missing.
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
    """Whether there are several classes, and the images are grouped by class, like those of a folder."""
    labels = part.labels.cpu()
    classes = len(torch.unique(labels))
    return 1 < classes == int((labels[1:] != labels[:-1]).sum()) + 1


def _counts(part: ImageSet) -> list[int]:
    """How many images of each class there are."""
    counts: list[int] = torch.bincount(part.labels.cpu(), minlength=len(part.classes)).tolist()
    return counts


def _of_each(part: ImageSet, order: Tensor, shares: list[int]) -> Tensor:
    """The indices of the first images of each class in `order`, as many as its share."""
    labels = part.labels.cpu()[order]
    return torch.cat([order[labels == label][:share] for label, share in enumerate(shares)])


def _shares(counts: list[int], wanted: int, *, left: int) -> list[int]:
    """How many images of each class to take: in proportion to its size, and at least one if `wanted` allows it.

    Args:
        counts: number of images of each class.
        wanted: number of images to take, which is the sum of the result.
        left: number of images of each class that should be left over, if `wanted` allows it.
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
