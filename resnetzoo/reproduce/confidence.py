"""Confidence intervals of means over seeds and of their differences."""

import math
from collections.abc import Sequence
from statistics import mean
from typing import NamedTuple

from resnetzoo.utils.spread import sample_variance

# Student's t, 97.5 %, for 1 to 30 degrees of freedom; beyond 30 the last value is slightly too wide, never too narrow.
_T975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


class Interval(NamedTuple):
    """A 95 % confidence interval."""

    low: float
    high: float


def has_interval(*groups: Sequence[float]) -> bool:
    """Whether Student's t gives an interval: each group needs two values, and in at least one group they must differ.

    If no values differ, the t statistic is undefined. Errors come in steps of one image, so equal errors do not mean
    that the next seed gives the same.
    """
    return all(len(values) > 1 for values in groups) and any(len(set(values)) > 1 for values in groups)


def mean_interval(values: Sequence[float]) -> Interval:
    """The interval of the mean over seeds, by Student's t; `has_interval` says whether there is one."""
    return _interval(mean(values), sample_variance(values) / len(values), len(values) - 1)


def difference_interval(first: Sequence[float], second: Sequence[float]) -> Interval:
    """The interval of mean(first) - mean(second), by Student's t with pooled variance.

    `has_interval` says whether there is one. It assumes that both groups have the same variance over seeds, and is too
    narrow if they do not: with two seeds in each, and a far wider spread in one, it covers the difference in at least
    85 % of the cases instead of 95 %. Welch's t does not assume this, but with two seeds of a network it has one degree
    of freedom, at which it decides next to nothing.
    """
    groups = (first, second)
    degrees_of_freedom = sum(len(values) - 1 for values in groups)
    pooled = sum((len(values) - 1) * sample_variance(values) for values in groups) / degrees_of_freedom
    return _interval(mean(first) - mean(second), sum(pooled / len(values) for values in groups), degrees_of_freedom)


def _interval(center: float, squared_standard_error: float, degrees_of_freedom: int) -> Interval:
    half_width = _T975[min(degrees_of_freedom, len(_T975)) - 1] * math.sqrt(squared_standard_error)
    return Interval(center - half_width, center + half_width)
