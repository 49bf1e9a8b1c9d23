"""Temperature scaling: one number, fitted on held-out images, calibrates the confidences."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from resnetzoo.errors import UsageError
from resnetzoo.evaluation.calibration import expected_calibration_error
from resnetzoo.evaluation.checked_logits import Values, checked
from resnetzoo.evaluation.scores import negative_log_likelihood
from resnetzoo.utils.validation import check_seed, check_whole_number

LOWEST, HIGHEST = 0.01, 100.0
"""The range of temperatures. Without it, the best one would be 0 if each label has the largest logit of its image, and
infinite if predictions are worse than chance."""

_HALVINGS = 60  # of the logarithm of that range, to a relative error of 1e-17


def fit_temperature(logits: Values, labels: Values) -> float:
    """The T from 0.01 to 100 at which the logits divided by T have the lowest negative log-likelihood.

    Guo et al. (2017), arXiv:1706.04599, section 4.2. The likelihood is log-concave in 1/T, so its derivative is 0 at a
    single T, which bisection finds. Scaling changes confidences, but no predictions. If the logits of each image are
    the same for all classes, every T fits equally well, and the result is 1.

    Args:
        logits: (N, classes), of held-out images, on which the network was not trained and the scaled logits will not be
            measured.
        labels: (N,), from 0.

    Raises:
        UsageError: there is no image, a shape is wrong, or a label has no logit.
        NonFiniteLossError: a logit is NaN or plus infinity.
    """
    values, truth = checked(logits, labels)
    values = _below_largest(values)
    if bool((values.isneginf() | (values == 0)).all()):
        return 1.0
    own = values.gather(1, truth[:, None]).mean()
    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        probability = (values / math.exp(middle)).softmax(dim=1)
        # d NLL / d(1/T): the expected logit minus that of the label; a class with probability 0 adds nothing to it.
        slope = torch.where(probability > 0, probability * values, 0.0).sum(dim=1).mean() - own
        # If each label has the largest logit, it is below 0, but may be too small for a float.
        low, high = (low, middle) if slope <= 0 else (middle, high)
    return min(max(LOWEST, math.exp((low + high) / 2)), HIGHEST)


def _below_largest(logits: Tensor) -> Tensor:
    """Logits (N, classes) minus the largest of each image, which gives the same probabilities.

    Large logits keep their digits in this way, and their exponentials underflow instead of overflowing after division
    by a small temperature. Minus infinity stays as it is, and no other logit becomes minus infinity.
    """
    lowest = torch.finfo(logits.dtype).min
    below = (logits - logits.amax(dim=1, keepdim=True)).clamp(min=lowest)
    return below.where(~logits.isneginf(), logits)


@dataclass(frozen=True)
class TemperatureScaling:
    """A temperature, and its effect on images that it was not fitted on.

    Attributes:
        temperature: the divisor of the logits; above 1 for an overconfident network.
        fitted_on: number of held-out images that it was fitted on.
        n: number of other images, on which the rest was measured.
        nll_before: their negative log-likelihood in nats.
        nll_after: the same for the scaled logits.
        ece_before: their expected calibration error over 15 bins of equal width, in percentage points.
        ece_after: the same for the scaled logits.
    """

    temperature: float
    fitted_on: int
    n: int
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float

    def __str__(self) -> str:
        return (
            f"{self.temperature:.3f}, fitted on {self.fitted_on:,} of the images; on the other {self.n:,} "
            f"nll {self.nll_before:.4f} -> {self.nll_after:.4f}, ece {self.ece_before:.2f} -> {self.ece_after:.2f}"
        )


def temperature_scaling(
    logits: Values, labels: Values, *, held_out: int | None = None, seed: int = 0
) -> TemperatureScaling:
    """Hold out some of the images, fit the temperature only on those, and measure its effect on the others.

    Args:
        logits: (N, classes), of images that the network did not learn from.
        labels: (N,), from 0.
        held_out: number of images to fit on; None for half of them. They are the first of a permutation.
        seed: seed of the permutation.

    Raises:
        UsageError: there are fewer than two images or none left to measure on, a shape is wrong, or a label has no
            logit.
        NonFiniteLossError: a logit is NaN or plus infinity.
    """
    values, truth = checked(logits, labels)
    values = _below_largest(values)
    if len(values) < 2:
        raise UsageError(
            "temperature scaling needs two or more images, because it fits on some of them and measures on the others"
        )
    fitted_on = len(values) // 2 if held_out is None else held_out
    check_whole_number("held_out", fitted_on, maximum=len(values) - 1)
    check_seed(seed)
    order = torch.randperm(len(values), device="cpu", generator=torch.Generator().manual_seed(seed))
    held, rest = order[:fitted_on], order[fitted_on:]
    temperature = fit_temperature(values[held], truth[held])
    measured = [(values[rest] / divisor, truth[rest]) for divisor in (1.0, temperature)]
    nll_before, nll_after = (negative_log_likelihood(*pair) for pair in measured)
    ece_before, ece_after = (expected_calibration_error(*pair) for pair in measured)
    return TemperatureScaling(temperature, fitted_on, len(rest), nll_before, nll_after, ece_before, ece_after)
