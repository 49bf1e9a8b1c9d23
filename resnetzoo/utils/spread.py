"""The variance and standard deviation of a sample, even if some of its values are not finite."""

import math
import statistics
from collections.abc import Sequence


def sample_variance(values: Sequence[float]) -> float:
    """The sample variance of two or more values; NaN if one of them is NaN or infinite, when Python's own fails."""
    return statistics.variance(values) if all(map(math.isfinite, values)) else math.nan


def sample_deviation(values: Sequence[float]) -> float:
    """The sample standard deviation of two or more values; NaN in the same cases as `sample_variance`."""
    return statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan
