"""Test whether one network is better than another, on the images that both were tested on."""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch

from resnetzoo.errors import UsageError
from resnetzoo.evaluation.checked_logits import Values, checked, checked_logits
from resnetzoo.utils.validation import check_number, check_seed, check_whole_number


@dataclass(frozen=True)
class PairedCounts:
    """Two networks on the same images.

    Attributes:
        both_right: images that both get right.
        only_first: that the first one alone gets right.
        only_second: that the second one alone does.
        both_wrong: that neither does.
        same_class: for which both put the same class first, be it right or wrong.
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    same_class: int

    @property
    def n(self) -> int:
        """Images."""
        return self.both_right + self.only_first + self.only_second + self.both_wrong

    @property
    def agreement(self) -> float:
        """Images for which both put the same class first, in percent."""
        return 100 * self.same_class / self.n

    @property
    def difference(self) -> float:
        """Error of the first less that of the second, in percentage points, below 0 where the first is better."""
        return 100 * (self.only_second - self.only_first) / self.n


def paired_counts(first: Values, second: Values, labels: Values) -> PairedCounts:
    """Count the images on which two networks, or two runs of one, are right, and on which they agree.

    Args:
        first: logits (N, classes) of the first.
        second: those of the second, of the same images in the same order.
        labels: (N,), from 0.

    Raises:
        UsageError: no image, shapes that differ, or a label without a logit.
        NonFiniteLossError: a logit is NaN or plus infinity.
    """
    values, truth = checked(first, labels)
    others = checked_logits(second)
    if others.shape != values.shape:
        raise UsageError(
            f"the two sets of logits have different images or classes: {list(values.shape)} and {list(others.shape)}"
        )
    chosen, other = values.argmax(dim=1), others.argmax(dim=1)
    places = 2 * (chosen != truth).long() + (other != truth).long()
    both_right, only_first, only_second, both_wrong = torch.bincount(places, minlength=4).tolist()
    return PairedCounts(both_right, only_first, only_second, both_wrong, int((chosen == other).sum()))


def agreement(first: Values, second: Values) -> float:
    """Images for which two networks predict the same class, in percent; no labels are needed.

    `resnetzoo.agreement` takes the networks themselves. Arguments and errors are those of `paired_counts`.
    """
    values = checked_logits(first)
    return paired_counts(values, second, torch.zeros(len(values), dtype=torch.int64, device="cpu")).agreement


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test for two networks on the same images.

    Of the images that one alone gets right, each network would have half if both were as good: the probability, by the
    binomial distribution at 1/2, of a split at least as uneven, from 0 to 1. McNemar (1947); for
    classifiers, Dietterich (1998), Approximate statistical tests for comparing supervised classification learning
    algorithms. It says what these images can tell of these two networks, and nothing of other seeds.

    >>> round(mcnemar(1, 5), 5)
    0.21875

    Args:
        only_first: images that the first alone gets right, such as `PairedCounts.only_first`.
        only_second: images that the second alone gets right. If both are 0, the p-value is 1.

    Raises:
        UsageError: no whole numbers, below 0, or above 2^53, from where on float64 cannot count.
    """
    only_first, only_second = _count("only_first", only_first), _count("only_second", only_second)
    n = only_first + only_second
    k = torch.arange(min(only_first, only_second) + 1, dtype=torch.float64, device="cpu")
    whole = torch.tensor(float(n), dtype=torch.float64, device="cpu")
    log_ways = (whole + 1).lgamma() - (k + 1).lgamma() - (whole - k + 1).lgamma()
    tail = math.exp(float(torch.logsumexp(log_ways, dim=0)) - n * math.log(2))
    return min(1.0, 2 * tail)


_MOST_IMAGES = 2**53


def _count(field: str, found: object) -> int:
    """A number of images, which may be one that NumPy counted."""
    count = int(found) if isinstance(found, np.integer) else found
    check_whole_number(field, count, minimum=0, maximum=_MOST_IMAGES)
    return cast("int", count)


@dataclass(frozen=True)
class BootstrapDifference:
    """How much the difference between two errors depends on which images are in the test set.

    Attributes:
        difference: error of the first less that of the second, in percentage points: below 0 where the first is better.
        low: lower end of the interval.
        high: upper end of the interval; where 0 lies outside, the difference is more than these images' chance.
        confidence: of the interval, in percent.
        first_better: resamples in which the first makes fewer errors, in percent; those with equally many count half.
    """

    difference: float
    low: float
    high: float
    confidence: float
    first_better: float

    def __str__(self) -> str:
        return f"{self.difference:+.2f} points ({self.confidence:g} % interval {self.low:+.2f} to {self.high:+.2f})"


def paired_bootstrap(
    first: Values,
    second: Values,
    labels: Values,
    *,
    resamples: int = 10_000,
    confidence: float = 95.0,
    seed: int = 0,
) -> BootstrapDifference:
    """Draw as many images as there are, with replacement, again and again, and compare both networks on each draw.

    The percentile interval of Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13. A draw is one
    of the multinomial distribution over the images that one alone gets right and all others, which is the same.

    Args:
        first: logits (N, classes) of the first.
        second: those of the second, of the same images in the same order.
        labels: (N,), from 0.
        resamples: how many draws.
        confidence: of the interval, in percent.
        seed: of the draws.

    Raises:
        UsageError: as `paired_counts`, no draw, or another confidence.
        NonFiniteLossError: a logit is NaN or plus infinity.
    """
    counts = paired_counts(first, second, labels)
    check_whole_number("resamples", resamples)
    check_number("confidence", confidence, 0, 100)
    check_seed(seed)
    tied = counts.both_right + counts.both_wrong
    shares = np.array([counts.only_first, counts.only_second, tied]) / counts.n
    drawn = np.random.default_rng(seed).multinomial(counts.n, shares, size=resamples)  # (resamples, 3)
    differences = 100 * (drawn[:, 1] - drawn[:, 0]) / counts.n
    outside = (100 - confidence) / 2
    low, high = (float(value) for value in np.percentile(differences, [outside, 100 - outside]))
    better = 100 * float(((differences < 0) + (differences == 0) / 2).mean())
    return BootstrapDifference(counts.difference, low, high, confidence, better)
