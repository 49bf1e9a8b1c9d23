"""Logits in half the bytes, exact in what is right and wrong, and those that the package carries."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf, nan
from pathlib import Path

import pytest
import torch
from cases import ROOT, small_network
from safetensors.torch import load_file, save_file
from torch import Tensor

import resnetzoo
from resnetzoo import metrics
from resnetzoo.errors import CheckpointError, NonFiniteLossError, ResultsError, UsageError

PACKAGED = [row for row in resnetzoo.list_weights() if row.packaged]


def images_of(labels: Tensor, classes: int = 10) -> resnetzoo.ImageSet:
    pixels = torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8)
    return resnetzoo.ImageSet(pixels, labels, tuple(f"class {place}" for place in range(classes)))


def crowded(images: int = 2_000) -> tuple[Tensor, resnetzoo.ImageSet]:
    """Logits of which the two largest differ by less than float16 can hold, in most images."""
    generator = torch.Generator().manual_seed(0)
    logits = 9 + 0.01 * torch.rand(images, 10, generator=generator)
    return logits, images_of(torch.randint(10, (images,), generator=generator))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_rounding_changes_no_prediction(dtype: torch.dtype) -> None:
    exact, images = crowded()
    logits = exact.to(dtype)
    before = logits.clone()
    stored = resnetzoo.StoredLogits.of(logits, images)
    if dtype != torch.bfloat16:  # the case that is tested: plain rounding would change some
        assert (logits.half().argmax(1) != logits.argmax(1)).sum() > 100
    assert stored.logits.dtype == torch.float16
    assert torch.equal(stored.logits.argmax(1), logits.argmax(1))
    assert stored.error == 100 * int((logits.argmax(1) != images.labels).sum()) / 2_000
    assert (stored.logits.double() - logits.double()).abs().max() <= 1.5 * 2**-7  # the spacing from 8 to 16
    assert torch.equal(logits, before)


@pytest.mark.parametrize(
    ("logits", "stored"),
    [
        ([9.001, 9.0, 9.0], [9 + 2**-7, 9.0, 9.0]),
        ([9.0, 9.0, 9.001], [9.0, 9.0, 9 + 2**-7]),
        ([9.0, 9.001, 9.001], [9.0, 9 + 2**-7, 9 + 2**-7]),
        ([9.001, 9.0, 9.001], [9 + 2**-7, 9.0, 9 + 2**-7]),
        ([9.001, 9.001, 1.0], [9.0, 9.0, 1.0]),
        ([-9.0, -9.001, -20.0], [-9 + 2**-7, -9.0, -20.0]),
    ],
)
def test_the_largest_logit_is_larger_than_those_of_earlier_and_later_classes(
    logits: list[float], stored: list[float]
) -> None:
    """Logits that were equal stay equal."""
    found = resnetzoo.StoredLogits.of(torch.tensor([logits]), images_of(torch.tensor([0]), 3)).logits
    assert torch.equal(found, torch.tensor([stored]).half())


def test_rounding_joins_no_other_logit_with_the_largest() -> None:
    exact, images = crowded()
    stored = resnetzoo.StoredLogits.of(exact, images).logits
    counts = [(logits == logits.amax(1, keepdim=True)).sum(1) for logits in (stored, exact)]
    assert torch.equal(*counts)


def test_logits_beyond_float16_are_kept_in_float32() -> None:
    logits, images = crowded()
    for value in (70_000.0, -1e9, -inf):
        logits[3, 7] = value
        stored = resnetzoo.StoredLogits.of(logits, images)
        assert stored.logits.dtype == torch.float32
        assert torch.equal(stored.logits, logits)
    close = torch.tensor([[1.0, 1.0 + 1e-12, -1e9]], dtype=torch.float64)
    assert resnetzoo.StoredLogits.of(close, images_of(torch.tensor([1]), 3)).error == 0
    logits[3, 7] = nan
    with pytest.raises(NonFiniteLossError, match="image 3 with nan"):
        resnetzoo.StoredLogits.of(logits, images)


@pytest.mark.parametrize("value", [1e300, -1e300])
def test_logits_beyond_float32_are_refused(value: float) -> None:
    logits = torch.tensor([[0.0, value], [value, value / 2]], dtype=torch.float64)
    with pytest.raises(NonFiniteLossError, match="too large for float32"):
        resnetzoo.StoredLogits.of(logits, images_of(torch.tensor([1, 0]), 2))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float8_e5m2])
def test_logits_of_any_type_are_stored(dtype: torch.dtype) -> None:
    logits = torch.eye(3).to(dtype)
    stored = resnetzoo.StoredLogits.of(logits, images_of(torch.arange(3), 3))
    assert torch.equal(stored.logits, torch.eye(3).half())


def test_other_objects_are_no_pair() -> None:
    stored = resnetzoo.StoredLogits.of(torch.eye(3), images_of(torch.arange(3), 3))
    with pytest.raises(UsageError, match="other must be of the class StoredLogits"):
        stored.paired_with(None)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("error")
def test_ties_at_the_end_of_float16_are_kept_in_float32() -> None:
    logits = torch.tensor([[65_503.0, 65_504.0, 0.0]])
    stored = resnetzoo.StoredLogits.of(logits, images_of(torch.tensor([1]), 3))
    assert (stored.error, stored.logits.dtype) == (0, torch.float32)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (torch.zeros(5, 10), "one for each of 5 images"),
        (torch.zeros(20), r"must be \(images, classes\)"),
        (torch.zeros(20, 4), "there are logits of only 4 classes"),
    ],
)
def test_logits_of_other_images_are_refused(logits: Tensor, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resnetzoo.StoredLogits.of(logits, images_of(torch.arange(20) % 10))


def test_a_name_that_is_neither_a_run_nor_packaged_is_refused_with_those_that_are() -> None:
    for name in ("resnet20.typo", "RESNET20"):
        with pytest.raises(ResultsError, match=rf"{name}: no such file or folder of a run, .*resnet20\.modern_c10"):
            resnetzoo.load_logits(name)


def test_logits_are_no_weights(tmp_path: Path) -> None:
    resnetzoo.StoredLogits.of(torch.rand(10, 10), images_of(torch.arange(10))).save(tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"holds the logits of a test and no network"):
        resnetzoo.load_checkpoint(tmp_path / "a.safetensors")


def test_a_file_gives_them_back_or_is_refused(tmp_path: Path) -> None:
    for classes in (10, 300):
        stored = resnetzoo.StoredLogits.of(torch.rand(40, classes), images_of(torch.arange(40) % classes, classes))
        path = tmp_path / "run" / f"{classes}.safetensors"
        stored.save(path)
        again = resnetzoo.load_logits(path)
        assert torch.equal(again.logits, stored.logits)
        assert torch.equal(again.labels, stored.labels)
        assert (again.classes, again.test_set, again.error) == (stored.classes, stored.test_set, stored.error)
        assert repr(again) == f"StoredLogits(40 images, {classes} classes, float16, error {stored.error:.2f} %)"
    tensors, metadata = stored.to_tensors()
    tensors["logits"][0] = 0
    save_file(tensors, path, metadata)
    with pytest.raises(ResultsError, match="its logits are not the ones that were written"):
        resnetzoo.load_logits(path)
    save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(ResultsError, match="not a file of test logits"):
        resnetzoo.load_logits(path)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ResultsError, match="truncated, damaged"):
        resnetzoo.load_logits(str(path))
    with pytest.raises(ResultsError, match="gone"):
        resnetzoo.load_logits(tmp_path / "gone.safetensors")
    with pytest.raises(
        ResultsError, match="holds no test logits: the run is not finished, or this is not the folder of a run"
    ):
        resnetzoo.load_logits(tmp_path)


@pytest.mark.parametrize("row", PACKAGED, ids=lambda row: row.name)
def test_packaged_logits_make_the_recorded_errors(row: resnetzoo.Weights) -> None:
    stored = resnetzoo.load_logits(row.name)
    assert stored.error == row.test_error
    assert (stored.logits.dtype, stored.logits.shape, stored.classes) == (torch.float16, (10_000, 10), row.classes)
    found = metrics.measure(stored.logits, stored.labels, ["top1_error", "top5_error", "nll"])
    assert found["top1_error"] == row.test_error
    assert found["top5_error"] < row.test_error
    folder = ROOT / "docs" / "results" / row.source.split("/")[-1]
    runs = [run for run in resnetzoo.read_records(folder / "results.json") if (run.spec, run.seed) == (row.spec, 0)]
    assert found["nll"] == pytest.approx(runs[0].epochs[-1].test_loss, abs=2e-4)  # the weights are fp16 since


def test_packaged_logits_are_of_one_test_set_and_small() -> None:
    stored = [resnetzoo.load_logits(row.name) for row in PACKAGED]
    assert {one.test_set for one in stored} == {"bf03420027d587f0cda23b26233b9dfc68a178a51cccb0a91d84fc58e6ccca3c"}
    files = ROOT / "resnetzoo" / "weights" / "files"
    assert all((files / f"{row.name}.logits.safetensors").stat().st_size < 220_000 for row in PACKAGED)
    assert sum(path.stat().st_size for path in files.iterdir()) < 11_000_000  # of a wheel below 12 MB
    first, second = (resnetzoo.load_logits(name) for name in ("resnet20", "plainnet20"))
    counts = metrics.paired_counts(*first.paired_with(second))
    assert counts.difference == pytest.approx(7.87 - 9.7)
    assert metrics.mcnemar(counts.only_first, counts.only_second) < 1e-6
    with pytest.raises(UsageError, match=r"no logits of resnet20\.akamaster_c10 in the package"):
        resnetzoo.load_logits("resnet20.akamaster_c10")


def test_logits_of_any_network_are_measured_as_evaluate_does(tiny_data: resnetzoo.Data) -> None:
    model = small_network(0)
    stored = metrics.logits_of(model, tiny_data.test)
    measured = resnetzoo.evaluate(model, tiny_data.test, metrics="all", batch_size=7)
    assert stored.error == measured.error == measured.metrics["top1_error"]
    assert list(measured.metrics) == list(metrics.METRICS)
    assert measured.metrics["nll"] == pytest.approx(measured.loss, rel=1e-6)
    rows = [None if row.error is None else 100 - row.error for row in measured.by_class]
    assert list(measured.metrics["accuracy_by_class"]) == pytest.approx(rows)
    assert metrics.measure(stored.logits, stored.labels)["brier"] == pytest.approx(measured.metrics["brier"], abs=1e-3)
    assert resnetzoo.evaluate(model, tiny_data.test).metrics == {}
    assert list(resnetzoo.evaluate(model, tiny_data.test, metrics=["ece"]).metrics) == ["ece"]
    with pytest.raises(UsageError, match='no metric is called "loss"'):
        resnetzoo.evaluate(model, tiny_data.test, metrics=["loss"])
    others = replace(tiny_data.test, labels=tiny_data.test.labels.flip(0))
    with pytest.raises(UsageError, match="logits are of different test sets, 20 images"):
        stored.paired_with(metrics.logits_of(model, others))
    renamed = replace(tiny_data.test, classes=tiny_data.test.classes[::-1])
    with pytest.raises(UsageError, match=r"the logits are of different classes, disc, .* and "):
        stored.paired_with(metrics.logits_of(small_network(0), renamed))


def _top(k: int) -> Callable[[torch.Tensor, torch.Tensor], float]:
    def top(logits: torch.Tensor, labels: torch.Tensor) -> float:
        return metrics.top_k_error(logits, labels, k=k)

    return top


def test_a_name_is_of_one_metric(tiny_data: resnetzoo.Data) -> None:
    """One that another overwrote would be the result of a function that was not meant."""
    model, first = small_network(0), _top(1)
    for asked in ([first, _top(5)], ["nll", _named("nll", first)]):
        with pytest.raises(UsageError, match=r'two metrics are called "(top|nll)".*metric\.__name__ = "'):
            resnetzoo.evaluate(model, tiny_data.test, metrics=asked)
    asked = (metric for metric in (first, first, _named("top5", _top(5)), "nll", "nll"))
    assert list(resnetzoo.evaluate(model, tiny_data.test, metrics=asked).metrics) == ["top", "top5", "nll"]
    with pytest.raises(UsageError, match="a metric is a name or a function of logits and labels, not an int"):
        resnetzoo.evaluate(model, tiny_data.test, metrics=5)  # type: ignore[arg-type]


def _named(
    name: str, metric: Callable[[torch.Tensor, torch.Tensor], float]
) -> Callable[[torch.Tensor, torch.Tensor], float]:
    renamed = partial(metric)
    renamed.__name__ = name  # type: ignore[attr-defined]
    return renamed


def test_labels_count_by_the_networks_order(tiny_data: resnetzoo.Data) -> None:
    model = small_network(0)
    model.classes = tiny_data.classes[::-1]
    with pytest.warns(UserWarning, match="order"):
        stored = metrics.logits_of(model, tiny_data.test)
    assert stored.classes == model.classes
    assert torch.equal(stored.labels, 9 - tiny_data.test.labels)


def test_a_file_holds_what_its_documentation_says(tmp_path: Path, tiny_data: resnetzoo.Data) -> None:
    metrics.logits_of(small_network(0), tiny_data.test).save("a.safetensors")
    tensors = load_file(tmp_path / "a.safetensors")
    assert {name: (value.dtype, list(value.shape)) for name, value in tensors.items()} == {
        "logits": (torch.float16, [20, 10]),
        "labels": (torch.uint8, [20]),
    }
