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
    """Counts of right and wrong predictions of two networks on the same images.

    Attributes:
        both_right: number of images that both get right.
        only_first: number that only the first one gets right.
        only_second: number that only the second one gets right.
        both_wrong: number that both get wrong.
        same_class: number for which both predict the same class, right or wrong.
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    same_class: int

    @property
    def n(self) -> int:
        """Number of images."""
        return self.both_right + self.only_first + self.only_second + self.both_wrong

    @property
    def agreement(self) -> float:
        """Share of images for which both predict the same class, in percent."""
        return 100 * self.same_class / self.n

    @property
    def difference(self) -> float:
        """Error of the first minus that of the second, in percentage points; below 0 if the first is better."""
        return 100 * (self.only_second - self.only_first) / self.n


def paired_counts(first: Values, second: Values, labels: Values) -> PairedCounts:
    """Count the images on which two networks, or two runs of one, are right, and on which they agree.

    Args:
        first: logits (N, classes) of the first.
        second: those of the second, for the same images in the same order.
        labels: (N,), from 0.

    Raises:
        UsageError: there is no image, shapes differ, or a label has no logit.
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
    """Share of images for which two networks predict the same class, in percent; no labels are needed.

    Arguments and errors are those of `paired_counts`. `resnetzoo.agreement` accepts the networks themselves.
    """
    values = checked_logits(first)
    return paired_counts(values, second, torch.zeros(len(values), dtype=torch.int64, device="cpu")).agreement


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test for two networks on the same images.

    Of the images that only one of the networks gets right, each would get half if both were equally good. The p-value,
    from 0 to 1, is the probability of a split at least as uneven, by the binomial distribution with probability 1/2.
    McNemar (1947); for classifiers, Dietterich (1998), Approximate statistical tests for comparing supervised
    classification learning algorithms. It shows what these images can tell about these two networks, and nothing about
    other seeds.

    >>> round(mcnemar(1, 5), 5)
    0.21875

    Args:
        only_first: number of images that only the first gets right, such as `PairedCounts.only_first`.
        only_second: number of images that only the second gets right. If both numbers are 0, the p-value is 1.

    Raises:
        UsageError: a number is not whole, below 0, or above 10,000,000.
    """
    only_first, only_second = _count("only_first", only_first), _count("only_second", only_second)
    n = only_first + only_second
    k = torch.arange(min(only_first, only_second) + 1, dtype=torch.float64, device="cpu")
    whole = torch.tensor(float(n), dtype=torch.float64, device="cpu")
    log_ways = (whole + 1).lgamma() - (k + 1).lgamma() - (whole - k + 1).lgamma()
    tail = math.exp(float(torch.logsumexp(log_ways, dim=0)) - n * math.log(2))
    return min(1.0, 2 * tail)


_MOST_IMAGES = 10_000_000  # the test computes one term for each: some 80 MB for each step of the computation


def _count(field: str, found: object) -> int:
    """A number of images as an `int`, which may be an integer of NumPy."""
    count = int(found) if isinstance(found, np.integer) else found
    check_whole_number(field, count, minimum=0, maximum=_MOST_IMAGES)
    return cast("int", count)


@dataclass(frozen=True)
class BootstrapDifference:
    """How much the difference between two errors depends on which images are in the test set.

    Attributes:
        difference: error of the first minus that of the second, in percentage points; below 0 if the first is better.
        low: lower end of the interval.
        high: upper end of the interval; if 0 is outside, the difference is unlikely to be due to the choice of images.
        confidence: confidence level of the interval, in percent.
        first_better: share of resamples in which the first makes fewer errors, in percent; ties count half.
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
    """Resample the images with replacement, as many as there are, and compare both networks on each resample.

    The interval is the percentile interval of Efron and Tibshirani (1993), An introduction to the bootstrap, chapter
    13. Each resample is drawn as multinomial counts of the images that only the first or only the second gets right and
    of all others, which is equivalent.

    Args:
        first: logits (N, classes) of the first.
        second: those of the second, for the same images in the same order.
        labels: (N,), from 0.
        resamples: number of resamples.
        confidence: confidence level of the interval, in percent.
        seed: seed of the resamples.

    Raises:
        UsageError: as in `paired_counts`; or `resamples`, `confidence` or `seed` is out of range.
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
