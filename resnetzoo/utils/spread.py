"""The variance and the deviation of a sample, also where it holds no finite number."""

import math
import statistics
from collections.abc import Sequence


def sample_variance(values: Sequence[float]) -> float:
    """The sample variance of two or more values; NaN if one of them is NaN or infinite, where Python's own fails."""
    return statistics.variance(values) if all(map(math.isfinite, values)) else math.nan


def sample_deviation(values: Sequence[float]) -> float:
    """The sample standard deviation of two or more values; NaN as `sample_variance`."""
    return statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan
