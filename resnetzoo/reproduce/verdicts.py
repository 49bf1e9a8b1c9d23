"""Whether a claim holds, as far as the runs can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from resnetzoo.reproduce.budgets import Budget
from resnetzoo.reproduce.claims import Above, AtMost, Claim, Lower, Measure
from resnetzoo.reproduce.confidence import Interval, difference_interval, mean_interval

Answer = Literal["holds", "does not hold", "not enough evidence"]
Samples = Mapping[Measure, Mapping[str, Sequence[float]]]


@dataclass(frozen=True)
class Verdict:
    """A claim, its answer, and the figures or the lack of them that decide it."""

    claim: str
    answer: Answer
    figures: str


def verdict(claim: Claim, samples: Samples, budget: Budget, *, official: bool, whole: bool) -> Verdict:
    """The answer at 95 % confidence over seeds.

    Args:
        claim: what is claimed.
        samples: a value a seed: measure -> label of the network -> values.
        budget: how much was trained.
        official: whether the data is CIFAR-10 itself, of which all the claims are.
        whole: whether it is all of it, as published figures are: with other parts, only comparisons are fair.
    """
    figures, answer = _weigh(claim, samples)
    reasons = [reason for reason in (_missing(claim, samples), _unfit(claim, budget, official, whole)) if reason]
    if reasons:
        return Verdict(claim.text, "not enough evidence", "; ".join([figures, *reasons] if figures else reasons))
    return Verdict(claim.text, answer, figures)


def _missing(claim: Claim, samples: Samples) -> str:
    found = samples[_measure(claim)]
    absent = [name for name in claim.networks if name not in found]
    if absent:
        return f"{' and '.join(absent)} not trained"
    single = [name for name in claim.networks if len(found[name]) < 2]
    return f"one seed of {' and '.join(single)}: the spread is not known" if single else ""


def _unfit(claim: Claim, budget: Budget, official: bool, whole: bool) -> str:
    if not official:
        return "not measured on CIFAR-10"
    if not budget.measures:
        return f"the {budget.name} budget measures nothing"
    if not whole and not isinstance(claim, Lower):
        return "the figure is for the whole training and test set"
    if budget.shortened and not isinstance(claim, Lower):
        return f"the figure is for the full recipe, not for the {budget.name} budget"
    return ""


def _measure(claim: Claim) -> Measure:
    return claim.measure if isinstance(claim, Lower) else "test error"


def _weigh(claim: Claim, samples: Samples) -> tuple[str, Answer]:
    """The figures in words, and what they say if nothing speaks against using them."""
    return _weigh_pair(claim, samples) if isinstance(claim, Lower) else _weigh_bound(claim, samples)


def _weigh_pair(claim: Lower, samples: Samples) -> tuple[str, Answer]:
    found = samples[claim.measure]
    if any(name not in found for name in claim.networks):
        return "", "not enough evidence"
    low, high = found[claim.lower], found[claim.higher]
    words = f"{claim.lower} {_mean(low, claim.measure)}, {claim.higher} {_mean(high, claim.measure)}"
    words += f": difference {_number(mean(high) - mean(low), claim.measure).replace('%', 'points')}"
    if len(low) < 2 or len(high) < 2:
        return words, "not enough evidence"
    interval = difference_interval(high, low)
    return f"{words}, {_interval(interval, claim.measure)}", _answer(interval)


def _weigh_bound(claim: AtMost | Above, samples: Samples) -> tuple[str, Answer]:
    found = samples["test error"].get(claim.network)
    if not found:
        return "", "not enough evidence"
    words = f"{claim.network} {_mean(found, 'test error')} against {claim.bound:.2f} %"
    if len(found) < 2:
        return words, "not enough evidence"
    interval = mean_interval(found)
    above = Interval(interval.low - claim.bound, interval.high - claim.bound)
    wanted = above if isinstance(claim, Above) else Interval(-above.high, -above.low)
    return f"{words}, {_interval(interval, 'test error')}", _answer(wanted)


def _answer(positive_if_it_holds: Interval) -> Answer:
    if positive_if_it_holds.low > 0:
        return "holds"
    return "does not hold" if positive_if_it_holds.high < 0 else "not enough evidence"


def _mean(values: Sequence[float], measure: Measure) -> str:
    return f"{_number(mean(values), measure)} (n={len(values)})"


def _number(value: float, measure: Measure) -> str:
    return f"{value:.2f} %" if measure == "test error" else f"{value:.4g}"


def _interval(interval: Interval, measure: Measure) -> str:
    low, high = (_number(value, measure).removesuffix(" %") for value in interval)
    return f"95 % interval {low} to {high}"
