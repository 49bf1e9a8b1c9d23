"""Calibration: whether confidence matches accuracy, with predictions in bins by confidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from resnetzoo.evaluation.checked_logits import Values, checked
from resnetzoo.utils.validation import check_choice, check_whole_number

Binning = Literal["equal_width", "equal_mass"]
BINS = 15
"""The default number of bins, as in Guo et al. (2017) and most later papers."""


class CalibrationBin(NamedTuple):
    """The predictions of one bin.

    Attributes:
        low: lower edge, a confidence in percent.
        high: upper edge.
        n: number of images in it.
        confidence: mean probability of their predicted classes, in percent.
        accuracy: share of them that are predicted correctly, in percent.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram in numbers.

    Attributes:
        bins: the bins that contain images, in order of increasing confidence.
    """

    bins: tuple[CalibrationBin, ...]

    @property
    def n(self) -> int:
        """Number of images in all bins."""
        return sum(row.n for row in self.bins)

    @property
    def expected_error(self) -> float:
        """The expected calibration error, in percentage points.

        It is the mean over images of the absolute difference between the accuracy and the confidence of their bin.
        """
        return sum(row.n * abs(row.accuracy - row.confidence) for row in self.bins) / self.n

    @property
    def largest_error(self) -> float:
        """The maximum calibration error, which is the largest such difference of any bin, in percentage points."""
        return max(abs(row.accuracy - row.confidence) for row in self.bins)


def calibration(
    logits: Values,
    labels: Values,
    *,
    bins: int = BINS,
    binning: Binning = "equal_width",
) -> Calibration:
    """Sort predictions into bins by their confidence, which is the largest probability of an image.

    Args:
        logits: (N, classes).
        labels: (N,), from 0.
        bins: the largest number of bins; those without images are left out.
        binning: `equal_width` divides 0 to 100 % evenly (Guo et al. 2017, arXiv:1706.04599, section 2), where each bin
            includes its lower edge and the last one both edges; torchmetrics has one more bin, for confidences of
            exactly 1, and sums in float32, which is up to 0.001 points off for 10,000 images. `equal_mass` puts equally
            many images into each bin, up to a difference of one (Nixon et al. 2019, arXiv:1904.01685, who call it
            adaptive), but never divides images of equal confidence. Confidences are compared with each other and with
            edges to 12 decimals, because softmax of logarithms returns the probabilities only up to rounding.

    Raises:
        UsageError: there is no image, a shape is wrong, a label has no logit, or `bins` or `binning` is invalid.
        NonFiniteLossError: a logit is NaN or plus infinity.
    """
    values, truth = checked(logits, labels)
    check_whole_number("bins", bins)
    check_choice("binning", binning, ("equal_width", "equal_mass"))
    confidence = values.softmax(dim=1).amax(dim=1)  # (N,)
    right = (values.argmax(dim=1) == truth).double()
    cut = _equal_width if binning == "equal_width" else _equal_mass
    rows = [
        CalibrationBin(
            100 * low,
            100 * high,
            len(chosen),
            100 * float(confidence[chosen].mean()),
            100 * float(right[chosen].mean()),
        )
        for low, high, chosen in cut(_rounded(confidence), bins)
    ]
    return Calibration(tuple(rows))


def expected_calibration_error(
    logits: Values,
    labels: Values,
    *,
    bins: int = BINS,
    binning: Binning = "equal_width",
) -> float:
    """`Calibration.expected_error` of `calibration`, in percentage points; arguments and errors are the same."""
    return calibration(logits, labels, bins=bins, binning=binning).expected_error


def _equal_width(confidence: Tensor, bins: int) -> Iterator[tuple[float, float, Tensor]]:
    """The lower edge, the upper edge and the image indices of each bin that has images."""
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device="cpu")
    place = (torch.bucketize(confidence, _rounded(edges), right=True) - 1).clamp(max=bins - 1)  # (N,)
    for index in sorted(set(place.tolist())):
        yield float(edges[index]), float(edges[index + 1]), (place == index).nonzero().flatten()


def _equal_mass(confidence: Tensor, bins: int) -> Iterator[tuple[float, float, Tensor]]:
    """The same for bins of equal mass, whose edges are the lowest and the highest confidence in them.

    Images of equal confidence all go into the bin of their middle one, so that the order of the images does not matter.
    """
    ranks = torch.arange(len(confidence), device="cpu").tensor_split(bins)
    place_of_rank = torch.cat([torch.full_like(part, index) for index, part in enumerate(ranks)])
    values, group, counts = torch.unique(confidence, return_inverse=True, return_counts=True)  # sorted values
    middle = counts.cumsum(0) - counts // 2 - 1
    place = place_of_rank[middle]  # of each value
    for index in sorted(set(place.tolist())):
        inside = values[place == index]
        yield float(inside[0]), float(inside[-1]), (place[group] == index).nonzero().flatten()


def _rounded(values: Tensor) -> Tensor:
    return values.round(decimals=12)
