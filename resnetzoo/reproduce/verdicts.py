"""Decide from the runs whether a claim holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, Literal

from resnetzoo.reproduce.budgets import Budget
from resnetzoo.reproduce.claims import Above, AtMost, Claim, Lower, Measure, measure_of
from resnetzoo.reproduce.confidence import Interval, difference_interval, has_interval, mean_interval
from resnetzoo.utils.spread import sample_deviation

Answer = Literal["holds", "does not hold", "not enough evidence"]
Samples = Mapping[Measure, Mapping[str, Sequence[float]]]
"""One value per seed: measure -> label of the network -> values."""

_ONE_MEAN, _TWO_MEANS = "Student's t", "Student's t, pooled variance"  # the tests, in words
_NO_FIGURES: tuple[str, Answer] = ("", "not enough evidence")


@dataclass(frozen=True)
class Verdict:
    """A claim, its answer, and the figures that decide it or are missing.

    Attributes:
        claim: the claim in words.
        answer: `holds`, `does not hold` or `not enough evidence`.
        figures: the figures that decide it, in words.
        untrained: labels of the claim's networks that have no result.
    """

    claim: str
    answer: Answer
    figures: str
    untrained: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The values that results files store, ready for JSON; `read_results` derives `untrained` from the claim."""
        return {"claim": self.claim, "answer": self.answer, "figures": self.figures}


def judge(
    claim: Claim, samples: Samples, budget: Budget, *, official: bool, whole: bool, failed: Mapping[str, int]
) -> Verdict:
    """The verdict at 95 % confidence over seeds.

    Args:
        claim: the claim.
        samples: the measured values.
        budget: how much was trained.
        official: whether the data is CIFAR-10 itself, which all claims are about.
        whole: whether all of it was used, as for published figures; on a part of it, networks can only be compared with
            each other.
        failed: label of a network -> how many of its runs have no result.
    """
    values = samples[measure_of(claim)]
    untrained = untrained_networks(claim, values)
    figures, answer = _NO_FIGURES if untrained else _evaluate(claim, values)
    reasons = [*_missing_values(claim, values, failed), _not_applicable(claim, budget, official, whole)]
    lacking = [reason for reason in reasons if reason]
    lost = [
        f"{failed[name]} more of {name} without a result"
        for name in claim.networks
        if name in failed and name not in untrained
    ]
    return Verdict(
        claim=claim.text,
        answer="not enough evidence" if lacking else answer,
        figures="; ".join([*([figures] if figures else []), *lost, *lacking]),
        untrained=untrained,
    )


def untrained_networks(claim: Claim, trained: Iterable[str]) -> tuple[str, ...]:
    """The networks of a claim that are not among the labels of `trained`."""
    labels = set(trained)
    return tuple(name for name in claim.networks if name not in labels)


def _missing_values(claim: Claim, values: Mapping[str, Sequence[float]], failed: Mapping[str, int]) -> Iterator[str]:
    """Say in words which values are missing, if any are."""
    untrained = untrained_networks(claim, values)
    if unplanned := [name for name in untrained if name not in failed]:
        yield f"{' and '.join(unplanned)} not trained"
    if lost := [name for name in untrained if name in failed]:
        yield f"no run of {' and '.join(lost)} has a result"
    if untrained:
        return
    if single := [name for name in claim.networks if len(values[name]) < 2]:
        yield f"one seed of {' and '.join(single)}: the spread is not known"
    elif not has_interval(*(values[name] for name in claim.networks)):
        yield f"equal values over the seeds of {' and over those of '.join(claim.networks)}: the spread is not known"


def _not_applicable(claim: Claim, budget: Budget, official: bool, whole: bool) -> str:
    """Why these runs say nothing about the claim, in words; empty if they do."""
    if not official:
        return "not measured on CIFAR-10"
    if not budget.measures:
        return f"the {budget.name} budget measures nothing"
    if not whole and not isinstance(claim, Lower):
        return "the figure is for the whole training and test set"
    if budget.shortened and not isinstance(claim, Lower):
        return f"the figure is for the full recipe, not for the {budget.name} budget"
    return ""


def _evaluate(claim: Claim, values: Mapping[str, Sequence[float]]) -> tuple[str, Answer]:
    """The figures in words, and the answer that they give if they may be used."""
    return _compare(claim, values) if isinstance(claim, Lower) else _compare_with_bound(claim, values[claim.network])


def _compare(claim: Lower, values: Mapping[str, Sequence[float]]) -> tuple[str, Answer]:
    low, high = values[claim.lower], values[claim.higher]
    words = f"{claim.lower} {_mean(low, claim.measure)}, {claim.higher} {_mean(high, claim.measure)}"
    words += f": difference {_difference(mean(high) - mean(low), claim.measure)}"
    if not has_interval(low, high):
        return words, "not enough evidence"
    interval = difference_interval(high, low)
    return f"{words}, {_interval(interval, claim.measure, _TWO_MEANS)}", _answer(interval)


def _compare_with_bound(claim: AtMost | Above, errors: Sequence[float]) -> tuple[str, Answer]:
    words = f"{claim.network} {_mean(errors, 'test error')} against {claim.bound:.2f} %"
    if not has_interval(errors):
        return words, "not enough evidence"
    interval = mean_interval(errors)
    above = Interval(interval.low - claim.bound, interval.high - claim.bound)
    wanted = above if isinstance(claim, Above) else Interval(-above.high, -above.low)
    return f"{words}, {_interval(interval, 'test error', _ONE_MEAN)}", _answer(wanted)


def _answer(positive_if_it_holds: Interval) -> Answer:
    if positive_if_it_holds.low > 0:
        return "holds"
    return "does not hold" if positive_if_it_holds.high < 0 else "not enough evidence"


def _mean(values: Sequence[float], measure: Measure) -> str:
    """The mean, the standard deviation over several seeds, and the number of seeds."""
    unit = " %" if measure == "test error" else ""
    spread = f" ± {_number(sample_deviation(values), measure)}" if len(values) > 1 else ""
    return f"{_number(mean(values), measure)}{spread}{unit} (n={len(values)})"


def _difference(value: float, measure: Measure) -> str:
    unit = " points" if measure == "test error" else ""
    return f"{_number(value, measure)}{unit}"


def _interval(interval: Interval, measure: Measure, test: str) -> str:
    return f"95 % interval {_number(interval.low, measure)} to {_number(interval.high, measure)} ({test})"


def _number(value: float, measure: Measure) -> str:
    return f"{value:.2f}" if measure == "test error" else f"{value:.4g}"
