"""Statistics and verdicts, by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import resnetzoo
from resnetzoo.evaluation.metrics import binomial_standard_error
from resnetzoo.reproduce import TARGETS, Above, AtMost, Lower, parse_numbers, parse_seeds
from resnetzoo.reproduce.budgets import Budget, budget_of
from resnetzoo.reproduce.confidence import _T975, difference_interval, has_interval, mean_interval
from resnetzoo.reproduce.plan import resolve_plan
from resnetzoo.reproduce.targets import Target
from resnetzoo.reproduce.verdicts import judge
from resnetzoo.training.presets import SMOKE

FULL = Budget("full", SMOKE, 3, measures=True, shortened=False)
SHORT = Budget("short", SMOKE, 3, measures=True, shortened=True)
NOTHING = Budget("smoke", SMOKE, 1, measures=False, shortened=True)
BETTER = Lower("a beats b", "a", "b")


def test_the_quantiles_of_t() -> None:
    """The density integrated from 0 to each quantile is 0.475."""
    for freedom, quantile in enumerate(_T975, start=1):
        scale = math.gamma((freedom + 1) / 2) / (math.sqrt(freedom * math.pi) * math.gamma(freedom / 2))
        x = np.linspace(0, quantile, 100_001)
        density = scale * (1 + x**2 / freedom) ** (-(freedom + 1) / 2)
        area = (density.sum() - (density[0] + density[-1]) / 2) * x[1]
        assert area == pytest.approx(0.475, abs=5e-5), freedom


def test_intervals_by_hand() -> None:
    low, high = mean_interval([1.0, 2.0, 3.0])  # mean 2, standard error 1 / sqrt(3), 2 degrees of freedom
    assert (low, high) == pytest.approx((2 - 4.303 / 3**0.5, 2 + 4.303 / 3**0.5))
    low, high = difference_interval([1.0, 2.0, 3.0], [5.0, 6.0, 7.0])  # se sqrt(2 / 3), 4 degrees of freedom
    assert (low, high) == pytest.approx((-4 - 2.776 * (2 / 3) ** 0.5, -4 + 2.776 * (2 / 3) ** 0.5))
    assert binomial_standard_error(10.0, 10_000) == pytest.approx(0.3)


def test_what_pooling_covers_at_worst() -> None:
    """If all spread is in one of two pairs of seeds, the pooled quantile is applied to one degree of freedom."""
    low, high = difference_interval([0.0, 0.0], [-1.0, 1.0])
    assert (low, high) == pytest.approx((-_T975[1], _T975[1]))  # of 2 degrees of freedom, by a standard error of 1
    assert 0.85 < 2 / math.pi * math.atan(_T975[1]) < 0.86


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [
        ([9.0, 9.1, 9.2], [11.0, 11.2, 11.1], "holds"),
        ([11.0, 11.2, 11.1], [9.0, 9.1, 9.2], "does not hold"),
        ([9.0, 9.5, 10.0], [9.6, 9.9, 10.2], "not enough evidence"),
        ([9.0], [11.0, 11.1], "not enough evidence"),
        ([9.0, 9.0], [9.0, 9.1], "not enough evidence"),
        ([9.0, 9.0], [11.0, 11.1], "holds"),
    ],
)
def test_a_comparison(first: Sequence[float], second: Sequence[float], answer: str) -> None:
    samples = {"test error": {"a": first, "b": second}, "response std": {}}
    found = judge(BETTER, samples, SHORT, official=True, whole=True, failed={})
    assert found.answer == answer
    spread = f" ± {stdev(first):.2f}" if len(first) > 1 else ""
    assert f"a {mean(first):.2f}{spread} % (n={len(first)}), b {mean(second):.2f} ± " in found.figures
    assert ("(Student's t, pooled variance)" in found.figures) is bool(spread)
    assert judge(BETTER, samples, SHORT, official=False, whole=True, failed={}).answer == "not enough evidence"
    assert judge(BETTER, samples, SHORT, official=True, whole=False, failed={}).answer == answer
    assert judge(BETTER, samples, NOTHING, official=True, whole=True, failed={}).answer == "not enough evidence"


NO_SPREAD = "equal values over the seeds of a{}: the spread is not known"


@pytest.mark.parametrize(("first", "second"), [((10.0, 10.0), (10.01, 10.01)), ((9.0,) * 2, (9.0,) * 3)])
def test_equal_values_of_all_seeds_compare_nothing(first: Sequence[float], second: Sequence[float]) -> None:
    """Student's t is undefined where no spread was observed; scipy answers infinity, or NaN where the means agree."""
    for lower, higher in ((first, second), (second, first)):
        samples = {"test error": {"a": lower, "b": higher}, "response std": {}}
        found = judge(BETTER, samples, FULL, official=True, whole=True, failed={})
        assert found.answer == "not enough evidence"
        assert found.figures.endswith(f" points; {NO_SPREAD.format(' and over those of b')}")
    responses = {"test error": {}, "response std": {"a": first, "b": second}}
    claim = Lower("a is lower", "a", "b", "response std")
    assert judge(claim, responses, FULL, official=True, whole=True, failed={}).answer == "not enough evidence"


@pytest.mark.parametrize("errors", [(8.74, 8.74), (8.75, 8.75), (8.76,) * 5])
@pytest.mark.parametrize("claim", [AtMost("a", "a", 8.75), Above("a", "a", 8.75)])
def test_equal_values_of_all_seeds_keep_no_bound(claim: AtMost | Above, errors: Sequence[float]) -> None:
    samples = {"test error": {"a": errors}, "response std": {}}
    found = judge(claim, samples, FULL, official=True, whole=True, failed={})
    assert (found.answer, found.figures.endswith(f" against 8.75 %; {NO_SPREAD.format('')}")) == (
        "not enough evidence",
        True,
    )


@given(
    values=st.lists(st.floats(0, 100), max_size=6),
    others=st.lists(st.floats(0, 100), max_size=6),
)
def test_an_interval_is_never_a_point(values: list[float], others: list[float]) -> None:
    for groups, interval in (((values,), mean_interval), ((values, others), difference_interval)):
        if has_interval(*groups):
            low, high = interval(*groups)  # type: ignore[operator]
            assert low < high or max(map(np.ptp, groups)) < 1e-9
        else:
            assert any(len(group) < 2 for group in groups) or all(len(set(group)) == 1 for group in groups)


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_what_is_no_number_decides_nothing(lost: float) -> None:
    samples = {"test error": {"a": [8.0, lost], "b": [9.0, 9.1]}, "response std": {}}
    for claim in (BETTER, AtMost("", "a", 20.0), Above("", "a", 1.0)):
        found = judge(claim, samples, FULL, official=True, whole=True, failed={})
        assert (found.answer, "nan" in found.figures) == ("not enough evidence", True)


@pytest.mark.parametrize(
    ("claim", "errors", "answer"),
    [
        (AtMost("a", "a", 9.0), [8.0, 8.1, 8.2], "holds"),
        (AtMost("a", "a", 9.0), [9.5, 9.6, 9.7], "does not hold"),
        (AtMost("a", "a", 9.0), [8.9, 9.0, 9.1], "not enough evidence"),
        (Above("a", "a", 60.0), [90.0, 89.0, 90.0], "holds"),
        (Above("a", "a", 60.0), [20.0, 21.0, 22.0], "does not hold"),
    ],
)
def test_a_bound(claim: AtMost | Above, errors: Sequence[float], answer: str) -> None:
    samples = {"test error": {"a": errors}, "response std": {}}
    assert judge(claim, samples, FULL, official=True, whole=True, failed={}).answer == answer
    short = judge(claim, samples, SHORT, official=True, whole=True, failed={})
    assert short.answer == "not enough evidence"
    assert "for the full recipe" in short.figures
    part = judge(claim, samples, FULL, official=True, whole=False, failed={})
    assert part.answer == "not enough evidence"
    assert "for the whole training and test set" in part.figures


def test_what_was_not_trained_is_said() -> None:
    samples = {"test error": {"a": [9.0, 9.1]}, "response std": {}}
    for claim, untrained in (
        (BETTER, ("b",)),
        (Lower("", "a", "b", "response std"), ("a", "b")),
        (AtMost("", "c", 1.0), ("c",)),
    ):
        found = judge(claim, samples, FULL, official=True, whole=True, failed={})
        assert found.untrained == untrained
        assert f"{' and '.join(untrained)} not trained" in found.figures
    assert judge(AtMost("", "a", 1.0), samples, FULL, official=True, whole=True, failed={}).untrained == ()


def test_runs_that_failed_are_not_called_untrained() -> None:
    samples = {"test error": {"a": [9.0, 9.1]}, "response std": {}}
    lost = judge(BETTER, samples, FULL, official=True, whole=True, failed={"b": 2})
    assert "no run of b has a result" in lost.figures
    assert "not trained" not in lost.figures
    some = judge(AtMost("", "a", 10.0), samples, FULL, official=True, whole=True, failed={"a": 1})
    assert (some.answer, some.figures.endswith("; 1 more of a without a result")) == ("holds", True)


def test_a_run_counts_once_however_often_it_is_asked_for() -> None:
    twice = replace(TARGETS["source"], networks=2 * TARGETS["source"].networks)
    plan = resolve_plan(twice, seeds=[1, 0, 1])
    assert plan.seeds == (1, 0)
    assert plan.networks == TARGETS["source"].networks
    for target, seeds, message in (
        ("source", [], "the seeds of source are empty"),
        (replace(TARGETS["source"], networks=()), [0], "the networks of source are empty"),
        ("source", [-1], "seed must be a whole number from 0"),
    ):
        with pytest.raises(resnetzoo.UsageError, match=message):
            resolve_plan(target, seeds=seeds)


@given(seeds=st.lists(st.integers(0, 2**63 - 1), min_size=2, unique=True))
def test_a_list_of_seeds_is_read_as_written(seeds: list[int]) -> None:
    assert list(parse_seeds(", ".join(map(str, seeds)))) == seeds


@given(count=st.integers(1, 1_000))
def test_one_number_is_how_many_seeds(count: int) -> None:
    assert parse_seeds(f" {count} ") == tuple(range(count))
    assert parse_seeds(f"{count},") == (count,)


@pytest.mark.parametrize("text", ["", ",", "0", "-1", "1.5", "a", "1,b", "1;2", "²", "2000", str(2**63) + ","])
def test_what_is_no_seed(text: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match="seed"):
        parse_seeds(text)


@pytest.mark.parametrize("digits", [20, 5_000])
@pytest.mark.parametrize("text", ["{}", "{},", "1,{}"])
def test_a_number_of_more_digits_than_are_read_is_named_in_brief(text: str, digits: int) -> None:
    for field, read in (("seeds", parse_seeds), ("depths", partial(parse_numbers, "depths"))):
        with pytest.raises(resnetzoo.UsageError, match=rf"^{field} must be .* of at most 19 digits, not ") as caught:
            read(text.format(digits * "9"))
        assert len(str(caught.value)) < 200
    with pytest.raises(resnetzoo.UsageError, match="table6 has no network of an int with thousands of digits layers"):
        resolve_plan("table6", depths=[10**5_000])


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
@pytest.mark.parametrize("budget", ["full", "short", "smoke"])
def test_every_target_trains_what_its_claims_are_about(target: Target, budget: str, tmp_path: Path) -> None:
    share = budget_of(target, budget)
    data = resnetzoo.synthetic(train_images=256, test_images=10)
    runs = resolve_plan(target, budget=budget).runs_on(data, tmp_path)
    labels = {run.spec.label for run in runs}
    assert {name for claim in target.claims_for(labels) for name in claim.networks} <= labels
    requested = {network.spec().label for network in target.on_request}
    assert {name for claim in target.claims for name in claim.networks} <= labels | requested
    assert len({run.folder for run in runs}) == len(runs) == share.seeds * len(target.networks)


def test_the_largest_network_is_trained_on_request(tmp_path: Path) -> None:
    data = resnetzoo.synthetic(train_images=256, test_images=10)
    runs = resolve_plan("table6", seeds=[0], depths=[20, 1202]).runs_on(data, tmp_path)
    assert [run.spec.label for run in runs] == ["resnet20", "resnet1202"]
    about_it = [claim for claim in TARGETS["table6"].claims if "resnet1202" in claim.networks]
    assert [claim.bound for claim in about_it if isinstance(claim, AtMost)] == [7.93, 6.18]
    assert not set(about_it) & set(TARGETS["table6"].claims_for(["resnet20"]))
    assert TARGETS["table6"].claims_for(["resnet20", "resnet1202"]) == TARGETS["table6"].claims
    with pytest.raises(resnetzoo.UsageError, match="table6 has no network of 57 layers; it has 20, 32"):
        resolve_plan("table6", depths=[57])
