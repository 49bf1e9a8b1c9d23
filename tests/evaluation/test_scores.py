"""The measures of logits, against torchmetrics and against what can be counted by hand."""

from collections.abc import Callable
from fractions import Fraction
from math import comb, inf, log, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import resnetzoo
from resnetzoo import metrics
from resnetzoo.errors import NonFiniteLossError, UsageError
from resnetzoo.utils.figures import new_figure


def drawn(images: int = 400, classes: int = 7, *, scale: float = 2.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits that know something of the labels; the last class has no image."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(max(classes - 1, 1), (images,), generator=generator)
    logits = scale * torch.randn(images, classes, generator=generator, dtype=torch.float64)
    logits[torch.arange(images), labels] += scale
    return logits, labels


@pytest.mark.parametrize(("classes", "scale"), [(7, 2.0), (2, 0.3), (100, 4.0)])
def test_measures_are_those_of_torchmetrics(classes: int, scale: float) -> None:
    oracle = pytest.importorskip("torchmetrics.functional.classification", reason="torchmetrics is not installed")
    logits, labels = drawn(classes=classes, scale=scale)
    given = {"num_classes": classes, "average": "micro"}
    found = metrics.measure(logits, labels)
    assert found["top1_error"] / 100 == pytest.approx(1 - float(oracle.multiclass_accuracy(logits, labels, **given)))
    for k in range(1, min(classes, 5) + 1):
        right = float(oracle.multiclass_accuracy(logits, labels, top_k=k, **given))
        assert metrics.accuracy(logits, labels, k) / 100 == pytest.approx(right, abs=1e-6)
    error = oracle.multiclass_calibration_error(logits.softmax(dim=1), labels, num_classes=classes, n_bins=15)
    assert found["ece"] / 100 == pytest.approx(float(error), abs=1e-6)
    worst = oracle.multiclass_calibration_error(logits.softmax(dim=1), labels, classes, n_bins=15, norm="max")
    assert metrics.calibration(logits, labels).largest_error / 100 == pytest.approx(float(worst), abs=1e-6)
    matrix = oracle.multiclass_confusion_matrix(logits, labels, num_classes=classes)
    assert torch.equal(found["confusion_matrix"], matrix)
    by_class = oracle.multiclass_accuracy(logits, labels, num_classes=classes, average=None).tolist()
    assert found["accuracy_by_class"][-1] is None
    present = set(labels.tolist())
    for label, (share, expected) in enumerate(zip(found["accuracy_by_class"], by_class, strict=True)):
        assert share == (pytest.approx(100 * expected, abs=1e-4) if label in present else None)
    squares = torch.nn.functional.one_hot(labels, classes)
    assert found["brier"] == pytest.approx(classes * float(torch.nn.functional.mse_loss(logits.softmax(1), squares)))
    assert found["nll"] == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)), abs=1e-6)


def test_bins_of_equal_mass_are_counted_one_by_one() -> None:
    logits, labels = drawn(images=100)
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    sure = sorted(zip(confidence.tolist(), (predicted == labels).tolist(), strict=True))
    parts = [list(part) for part in np.array_split(np.array(sure), 15)]
    gaps = [abs(sum(right for _, right in part) - sum(share for share, _ in part)) for part in parts]
    found = metrics.calibration(logits, labels, binning="equal_mass")
    assert [row.n for row in found.bins] == [7] * 10 + [6] * 5
    assert found.expected_error == pytest.approx(sum(gaps))  # of 100 images: in percent
    assert metrics.measure(logits, labels, "ece_equal_mass") == {"ece_equal_mass": found.expected_error}
    assert [row.low for row in found.bins] == sorted(row.low for row in found.bins)


@pytest.mark.parametrize("confidences", [[0.7], [0.6, 0.8, 0.95], [0.6, 0.7, 0.7, 0.7, 0.7, 0.7, 0.9]])
def test_images_of_one_confidence_share_a_bin_in_whatever_order_they_are(confidences: list[float]) -> None:
    sure = torch.tensor(confidences, dtype=torch.float64).repeat_interleave(100)
    logits = metrics.log_probabilities(torch.stack([sure, 1 - sure], dim=1))
    labels = (torch.rand(len(sure), generator=torch.Generator().manual_seed(0)) > sure).long()
    order = labels.argsort(stable=True)  # the worst one
    one, other = (
        metrics.calibration(logits[places], labels[places], binning="equal_mass") for places in (slice(None), order)
    )
    assert one.expected_error == pytest.approx(other.expected_error, abs=1e-9)
    assert [row.n for row in one.bins] == [100 * confidences.count(value) for value in sorted(set(confidences))]


def on_edges(bins: int) -> tuple[Tensor, Tensor]:
    """Probabilities of two classes, the larger ones of which are lower edges of bins, and labels."""
    sure = torch.arange(bins, dtype=torch.float64) / bins
    sure = sure[sure >= 0.5].repeat(3)
    return torch.stack([sure, 1 - sure], dim=1), torch.arange(len(sure)) % 2


@pytest.mark.parametrize("bins", [4, 5, 10, 15, 20, 40])
def test_probabilities_on_edges_of_bins_are_binned_as_by_torchmetrics(bins: int) -> None:
    oracle = pytest.importorskip("torchmetrics.functional.classification", reason="torchmetrics is not installed")
    tenths = torch.tensor([[1, 0], [0.5, 0.5], [0.6, 0.4], [0.8, 0.2], [0.9, 0.1], [0, 1]], dtype=torch.float64)
    for probabilities, labels in ((tenths, torch.tensor([0, 1, 0, 0, 1, 1])), on_edges(bins)):
        error = oracle.multiclass_calibration_error(probabilities, labels, num_classes=2, n_bins=bins)
        found = metrics.expected_calibration_error(metrics.log_probabilities(probabilities), labels, bins=bins)
        assert found / 100 == pytest.approx(float(error), abs=1e-6)


def test_confidences_that_differ_by_rounding_are_one() -> None:
    shares = [[0.7, 0.2, 0.1], [0.7, 0.1, 0.2], [0.1, 0.7, 0.2], [0.2, 0.1, 0.7]]
    logits = metrics.log_probabilities(torch.tensor(shares, dtype=torch.float64))
    assert len(logits.softmax(1).amax(1).unique()) > 1  # the case that is tested
    found = metrics.calibration(logits, torch.tensor([0, 1, 1, 0]), binning="equal_mass", bins=4)
    assert [row.n for row in found.bins] == [4]


def test_measures_do_not_depend_on_type_or_container() -> None:
    logits, labels = drawn()
    half = logits.half()
    array, known = half.numpy(), labels.numpy()
    locked = array.copy()
    locked.flags.writeable = False
    containers = (array, array[::-1][::-1], array.astype(">f4"), array.astype(np.longdouble), locked, array.tolist())
    for given in (half, half.double(), half.float().requires_grad_(), *containers):
        for numbers in (labels, known.astype(np.uint8), known.astype(">i8"), known[::-1][::-1], known.tolist()):
            assert metrics.brier_score(given, numbers) == metrics.brier_score(half, labels)  # type: ignore[arg-type]
    probabilities = logits.softmax(dim=1)
    assert metrics.brier_score(metrics.log_probabilities(probabilities), labels) == pytest.approx(
        metrics.brier_score(logits, labels)
    )


def test_certain_predictions_and_one_class() -> None:
    certain = metrics.log_probabilities(torch.eye(3))
    assert metrics.measure(certain, torch.arange(3), ["nll", "brier", "ece", "ece_equal_mass"]) == {
        "nll": 0,
        "brier": 0,
        "ece": 0,
        "ece_equal_mass": 0,
    }
    wrong = torch.tensor([1, 2, 0])
    assert metrics.brier_score(certain, wrong) == 2
    assert metrics.negative_log_likelihood(certain, wrong) == inf
    assert metrics.expected_calibration_error(certain, wrong) == 100
    one = metrics.measure(torch.zeros(4, 1), torch.zeros(4, dtype=torch.int64))
    assert (one["top1_error"], one["nll"], one["ece"], "top5_error" in one) == (0, 0, 0, False)
    assert "temperature" not in metrics.measure(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))


def test_of_equal_logits_the_first_is_larger_as_argmax_has_it() -> None:
    logits, labels = torch.zeros(4, 4), torch.arange(4)
    assert [metrics.top_k_error(logits, labels, k) for k in range(1, 5)] == [75, 50, 25, 0]


def test_the_temperature_is_where_the_likelihood_is_highest() -> None:
    logits, labels = drawn(images=2_000)
    temperature = metrics.fit_temperature(logits, labels)
    nearby = [metrics.negative_log_likelihood(logits / (temperature * step), labels) for step in (0.999, 1.0, 1.001)]
    assert nearby[1] == min(nearby)
    assert metrics.fit_temperature(3 * logits, labels) == pytest.approx(3 * temperature, rel=1e-9)
    ruled_out = logits.clone()
    ruled_out[:, -1] = -inf
    assert metrics.fit_temperature(ruled_out, labels) == pytest.approx(
        metrics.fit_temperature(logits[:, :-1], labels), rel=1e-9
    )
    all_right = 10.0 * torch.eye(3)
    sure = metrics.fit_temperature(all_right, torch.arange(3))
    assert metrics.negative_log_likelihood(all_right / sure, torch.arange(3)) < 1e-15
    assert metrics.fit_temperature(all_right, torch.tensor([1, 2, 0])) == pytest.approx(100)


@pytest.mark.parametrize("gap", [1.0, 20.0, 1e4, 1e300, 1.7e308])
def test_labels_that_are_all_on_top_get_the_lowest_temperature(gap: float) -> None:
    labels = torch.arange(4)
    assert metrics.fit_temperature(gap * torch.eye(4, dtype=torch.float64), labels) == pytest.approx(0.01)
    assert metrics.fit_temperature(-gap * torch.eye(4, dtype=torch.float64), labels) == 100


@pytest.mark.parametrize("offset", [1e10, -1e12])
def test_what_all_logits_of_an_image_share_changes_no_temperature(offset: float) -> None:
    logits, labels = drawn(images=400)
    moved = logits.double() + offset  # where the spacing of float64 rounds them
    assert metrics.fit_temperature(moved, labels) == pytest.approx(
        metrics.fit_temperature(moved - offset, labels), rel=1e-12
    )


def test_a_difference_beyond_float64_rules_no_class_out() -> None:
    logits = torch.full((4, 3), -1.7e308, dtype=torch.float64)
    logits[:, 0] = 1.7e308
    assert metrics.fit_temperature(logits, torch.tensor([0, 0, 0, 1])) == pytest.approx(100)


def test_logits_that_overflow_where_they_are_divided_are_measured() -> None:
    logits = 1e307 * torch.eye(3, dtype=torch.float64).repeat(4, 1)
    assert metrics.measure(logits, torch.arange(3).repeat(4))["temperature"].nll_after == 0


def test_logits_that_say_nothing_need_no_temperature() -> None:
    assert metrics.fit_temperature(torch.zeros(5, 3), torch.arange(5) % 3) == 1
    assert metrics.fit_temperature(torch.tensor([[4.0, 4, -inf], [-1, -inf, -inf]]), torch.tensor([1, 0])) == 1


def test_a_temperature_is_fitted_on_the_held_out_images_alone() -> None:
    logits, labels = drawn(images=300, scale=8.0)
    scaled = metrics.temperature_scaling(logits, labels, held_out=100, seed=3)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(3))
    held, rest = order[:100], order[100:]
    assert (scaled.fitted_on, scaled.n) == (100, 200)
    assert scaled.temperature == metrics.fit_temperature(logits[held], labels[held]) > 1
    measured = logits[rest] / scaled.temperature
    assert scaled.nll_after == pytest.approx(metrics.negative_log_likelihood(measured, labels[rest]), rel=1e-12)
    assert scaled.nll_after < scaled.nll_before
    assert scaled.ece_before == metrics.expected_calibration_error(logits[rest], labels[rest])
    changed = logits.clone()
    changed[rest] = 0
    assert metrics.temperature_scaling(changed, labels, held_out=100, seed=3).temperature == scaled.temperature
    assert f"{scaled.temperature:.3f}, fitted on 100 of the images; on the other 200 nll" in str(scaled)


def test_two_networks_are_compared_image_by_image() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    first = 5.0 * torch.nn.functional.one_hot(torch.tensor([0, 0, 0, 1, 2, 0]), 3)
    second = 5.0 * torch.nn.functional.one_hot(torch.tensor([0, 1, 2, 0, 2, 1]), 3)
    counts = metrics.paired_counts(first, second, labels)
    assert counts == metrics.PairedCounts(both_right=1, only_first=3, only_second=0, both_wrong=2, same_class=2)
    assert counts.n == 6
    assert counts.difference == pytest.approx(metrics.top_k_error(first, labels) - metrics.top_k_error(second, labels))
    assert counts.agreement == metrics.agreement(first, second) == pytest.approx(100 * 2 / 6)
    assert metrics.agreement(first, first) == 100


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 5), (3, 9), (50, 50), (612, 535), (2_000, 2_300)])
def test_mcnemar_is_the_exact_binomial(first: int, second: int) -> None:
    n = first + second
    tail = Fraction(sum(comb(n, k) for k in range(min(first, second) + 1)), 2**n)
    assert metrics.mcnemar(first, second) == pytest.approx(min(1.0, float(2 * tail)), rel=1e-9)
    assert metrics.mcnemar(second, first) == metrics.mcnemar(first, second)


def test_mcnemar_takes_what_numpy_counted() -> None:
    one, other = np.array([True, True, False]), np.array([False, True, False])
    assert metrics.mcnemar((one & ~other).sum(), (other & ~one).sum()) == metrics.mcnemar(1, 0)


def test_the_bootstrap_is_that_of_images_drawn_again() -> None:
    first, labels = drawn(images=300, seed=1)
    second = first + 1.5 * drawn(images=300, seed=2)[0]
    found = metrics.paired_bootstrap(first, second, labels, seed=5)
    wrong = torch.stack([(logits.argmax(1) != labels).double() for logits in (first, second)])  # (2, N)
    difference = 100 * (wrong[0] - wrong[1])
    generator = torch.Generator().manual_seed(0)
    means = torch.stack([difference[torch.randint(300, (300,), generator=generator)].mean() for _ in range(4_000)])
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    assert found.difference == pytest.approx(float(difference.mean()))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.7)  # two images of 300
    assert found.first_better == pytest.approx(100 * float((means < 0).double().mean()), abs=5)
    assert found == metrics.paired_bootstrap(first, second, labels, seed=5)
    assert str(found).startswith(f"{found.difference:+.2f} points (95 % interval ")
    same = metrics.paired_bootstrap(first, first, labels, resamples=10)
    assert (same.low, same.high, same.first_better) == (0, 0, 50)


GOOD = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
LABELS = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (torch.zeros(2), LABELS, r"logits must be \(images, classes\), not \[2\]"),
        (torch.zeros(0, 2), LABELS[:0], "nothing to measure: the logits are of 0 images"),
        (torch.zeros(2, 0), LABELS, "2 images and 0 classes"),
        (GOOD, LABELS[:1], "one for each of 2 images"),
        (GOOD, torch.tensor([0, 2]), "image 1 has label 2, but there are logits of only 2 classes"),
        (GOOD, torch.tensor([-1, 0]), "image 0 has label -1"),
        (GOOD, torch.tensor([0.0, 1.0]), "labels must be whole numbers"),
        (GOOD, LABELS.bool(), "labels must be whole numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused(logits: Tensor, labels: Tensor, message: str) -> None:
    for measured in (metrics.measure, metrics.accuracy, metrics.fit_temperature, metrics.calibration):
        with pytest.raises(UsageError, match=message):
            measured(logits, labels)  # type: ignore[operator]


@pytest.mark.parametrize("value", [nan, inf])
def test_logits_that_are_no_distribution_are_refused(value: float) -> None:
    logits = torch.zeros(3, 3)
    logits[1, 2] = value
    for name in metrics.METRICS:
        with pytest.raises(
            NonFiniteLossError,
            match=f"the logits of 1 of 3 images give no probabilities, the first of which is image 1 with {value}",
        ):
            metrics.measure(logits, torch.arange(3), [name])
    with pytest.raises(NonFiniteLossError):
        metrics.agreement(torch.zeros(3, 3), logits)
    with pytest.raises(NonFiniteLossError):
        metrics.brier_score(torch.full((2, 3), -inf), LABELS)


@pytest.mark.parametrize(
    "values",
    [None, "logits", np.array(["1", "2"]), GOOD.to(torch.complex64), GOOD.to_sparse(), np.zeros((2, 2), complex)],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_what_is_no_real_number_is_refused(values: object) -> None:
    for measured in (
        lambda: metrics.measure(values, LABELS),  # type: ignore[arg-type]
        lambda: metrics.measure(GOOD, values),  # type: ignore[arg-type]
        lambda: metrics.log_probabilities(values),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError, match=r"^(logits|labels|probabilities) must be .*real numbers"):
            measured()


RAGGED = [[1.0, 2.0], [3.0]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda: RAGGED, "this is a list which cannot become one: "),
        (lambda: [torch.tensor(row) for row in RAGGED], "must be one tensor, or tensors of one shape"),
        (lambda: torch.zeros(2, 2, device="meta"), "this tensor is on the meta device"),
        (lambda: torch.quantize_per_tensor(GOOD, 0.1, 0, torch.qint8), "this tensor is quantized"),
        (lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(1)]), "this tensor is nested"),
    ],
    ids=["ragged", "ragged tensors", "meta", "quantized", "nested"],
)
@pytest.mark.filterwarnings("ignore:.*nested tensors is in prototype:UserWarning")
@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor:UserWarning")
def test_what_holds_no_plain_numbers_is_refused(values: Callable[[], Any], message: str) -> None:
    for measured in (
        lambda: metrics.accuracy(values(), LABELS),
        lambda: metrics.agreement(GOOD, values()),
        lambda: metrics.log_probabilities(values()),
    ):
        with pytest.raises(UsageError, match=message):
            measured()


def test_answers_for_single_images_are_measured_together() -> None:
    rows = [row.requires_grad_() for row in GOOD.clone().unbind()]
    assert metrics.brier_score(rows, [*LABELS]) == metrics.brier_score(GOOD, LABELS)


@pytest.mark.parametrize("kind", [torch.from_numpy, np.asarray])
def test_numbers_that_int64_does_not_hold_are_refused_as_what_they_are(kind: Callable[..., Any]) -> None:
    small, large = kind(np.array([0, 1], np.uint64)), kind(np.array([0, 2**64 - 1], np.uint64))
    assert metrics.brier_score(GOOD, small) == metrics.brier_score(GOOD, LABELS)
    with pytest.raises(UsageError, match="labels must be at most 9223372036854775807, not 18446744073709551615"):
        metrics.measure(GOOD, large)


def test_arguments_out_of_range_are_refused() -> None:
    for arguments, message in (
        ({"k": 3}, "k must be a whole number from 1 to 2"),
        ({"k": 0}, "k must be"),
    ):
        with pytest.raises(UsageError, match=message):
            metrics.top_k_error(GOOD, LABELS, **arguments)
    with pytest.raises(UsageError, match='no metric is called "f1"; choose from top1_error'):
        metrics.measure(GOOD, LABELS, ["f1"])
    with pytest.raises(UsageError, match="a name or a function of logits and labels, not an int"):
        metrics.measure(GOOD, LABELS, [3])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="a name or a function of logits and labels, not a bytes"):
        metrics.measure(GOOD, LABELS, b"nll")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r'no metric is called "all"; .* or metrics="all" for all of them'):
        metrics.measure(GOOD, LABELS, ["all"])
    with pytest.raises(UsageError, match="names or functions in a list, not a dict"):
        metrics.measure(GOOD, LABELS, {"nll": metrics.brier_score})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="top5_error needs logits of at least 5 classes, not 2"):
        metrics.measure(GOOD, LABELS, "top5_error")
    with pytest.raises(UsageError, match="temperature needs logits of at least 2 images, not 1"):
        metrics.measure(GOOD[:1], LABELS[:1], "temperature")
    with pytest.raises(UsageError, match="binning must be one of equal_width, equal_mass"):
        metrics.calibration(GOOD, LABELS, binning="quantile")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="held_out must be a whole number from 1 to 1"):
        metrics.temperature_scaling(GOOD, LABELS, held_out=2)
    with pytest.raises(UsageError, match="needs two or more"):
        metrics.temperature_scaling(GOOD[:1], LABELS[:1])
    with pytest.raises(UsageError, match=r"\[2, 2\] and \[2, 3\]"):
        metrics.paired_counts(GOOD, torch.zeros(2, 3), LABELS)
    with pytest.raises(UsageError, match="only_second must be"):
        metrics.mcnemar(1, -1)
    with pytest.raises(UsageError, match="only_first must be a whole number from 0 to 10000000"):
        metrics.mcnemar(10**400, 1)
    for probabilities in (GOOD + 1, GOOD / 2, GOOD[0]):
        with pytest.raises(UsageError, match="probabilities must be"):
            metrics.log_probabilities(probabilities)


def test_a_function_is_a_measure_by_its_own_name() -> None:
    def largest(logits: Tensor, labels: Tensor) -> float:
        return float(logits.max()) + len(labels)

    assert metrics.measure(GOOD, LABELS, ["nll", largest]) == {"nll": pytest.approx(log(1 + np.exp(-1))), "largest": 3}
    assert isinstance(resnetzoo.metrics.METRICS, dict)


def test_a_function_that_writes_to_what_it_is_given_changes_nothing_else() -> None:
    def careless(logits: Tensor, labels: Tensor) -> None:
        logits.zero_()
        labels.zero_()

    logits, labels = drawn()
    before, expected = (logits.clone(), labels.clone()), metrics.measure(logits, labels, ["nll", "top1_error"])
    assert metrics.measure(logits, labels, [careless, "nll", "top1_error"]) == {"careless": None, **expected}
    assert torch.equal(logits, before[0])
    assert torch.equal(labels, before[1])


def test_the_figure_has_a_bar_a_bin_and_a_number_a_cell(tmp_path: Path) -> None:
    logits, labels = drawn()
    bins, matrix = metrics.calibration(logits, labels), metrics.confusion_matrix(logits, labels)
    with new_figure(4, 2) as figure:
        left, right = figure.subplots(1, 2)
    metrics.plot_reliability(left, bins)
    metrics.plot_confusion(right, matrix.numpy(), "abcdefg")
    assert [bar.get_height() for bar in left.patches] == [row.accuracy for row in bins.bins]
    assert [int(text.get_text()) for text in right.texts] == matrix.flatten().tolist()
    metrics.save_test_figure(tmp_path / "a.svg", bins, matrix, "abcdefg", title="seven classes")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    with pytest.raises(UsageError, match="there are 3 names"):
        metrics.plot_confusion(right, matrix, "abcdefg", predicted="abc")
    for name, classes, message in (
        ("a.jpg", "abcdefg", r"end in \.png, \.svg or \.pdf"),
        ("a.png", "ab", "there are 2 names"),
    ):
        with pytest.raises(UsageError, match=message):
            metrics.save_test_figure(tmp_path / name, bins, matrix, classes)


def test_a_bin_of_a_single_confidence_has_a_bar_that_is_seen() -> None:
    sure = torch.tensor([0.6, 0.7, 0.7, 1.0, 1.0, 1.0], dtype=torch.float64)
    logits = metrics.log_probabilities(torch.stack([sure, 1 - sure], dim=1))
    bins = metrics.calibration(logits, torch.tensor([0, 0, 1, 0, 0, 0]), bins=3, binning="equal_mass")
    with new_figure(4, 4) as figure:
        axes = figure.subplots()
        metrics.plot_reliability(axes, bins)
        assert [row.high - row.low for row in bins.bins][-1] == 0
        assert [bar.get_height() for bar in axes.patches] == [row.accuracy for row in bins.bins]
        for bar, row in zip(axes.patches, bins.bins, strict=True):
            assert bar.get_width() >= 0.5
            assert 0 <= bar.get_x() <= row.low <= row.high <= bar.get_x() + bar.get_width() <= 100


def test_names_are_drawn_as_they_are_and_shortened(tmp_path: Path) -> None:
    logits, labels = drawn(classes=3)
    bins, matrix = metrics.calibration(logits, labels), metrics.confusion_matrix(logits, labels)
    names = ["$5^$", "a $\\frac$ b", "a name of a class that fills half of the picture"]
    metrics.save_test_figure(tmp_path / "a.PNG", bins, matrix, names, title="run $\\frac$ 5", predicted="xyz")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")
    with new_figure(4, 4) as figure:
        axes = figure.subplots()
        metrics.plot_confusion(axes, matrix, names, predicted="xyz")
        assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z"]
        assert [label.get_text() for label in axes.get_yticklabels()] == [*names[:2], "a name of a...he picture"]


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf"])
def test_class_names_may_be_in_any_script(tmp_path: Path, name: str, recwarn: pytest.WarningsRecorder) -> None:
    """Letters that the font lacks are boxes, without a warning for each use."""
    logits, labels = drawn(classes=3)
    bins, matrix = metrics.calibration(logits, labels), metrics.confusion_matrix(logits, labels)
    metrics.save_test_figure(tmp_path / name, bins, matrix, ["飞机", "汽车", "鸟"], title="网络")
    assert not recwarn.list
