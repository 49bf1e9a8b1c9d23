"""How far a run again may be from its record: not at all on a CPU, within bounds on CUDA."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import ROOT, TINY_RECIPE, small_network
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli, rerunning
from resnetzoo.cli import reproduce as cli_reproduce
from resnetzoo.errors import ResultsError
from resnetzoo.reproduce import rerunning as room
from resnetzoo.rerunning import COMPARED, EXACT, Rule, differences, rule_for
from resnetzoo.training import opening
from resnetzoo.utils.checksummed_json import write_checksummed

BOUNDS = Rule(exact=False)
FIELDS = st.sampled_from(COMPARED)
EPOCHS = st.integers(1, 300)
FIGURES = st.floats(0, 100)
ANYTHING = st.one_of(FIGURES, st.sampled_from([math.nan, math.inf]))


def record_of(data: resnetzoo.Data, **changes: object) -> resnetzoo.RunRecord:
    run = resnetzoo.fit(small_network(0), data, TINY_RECIPE, device="cpu", precision="fp32", progress=False)
    values = {key: value for key, value in vars(run).items() if key not in ("model", "logits")}
    return resnetzoo.RunRecord(**{**values, **changes})


@given(FIELDS, ANYTHING, EPOCHS)
def test_the_same_figure_is_allowed_by_every_rule(field: str, figure: float, epoch: int) -> None:
    assert EXACT.allows(field, figure, figure, epoch=epoch)
    assert BOUNDS.allows(field, figure, figure, epoch=epoch)


@given(FIELDS, ANYTHING, ANYTHING, EPOCHS)
def test_exactly_is_by_every_digit(field: str, one: float, other: float, epoch: int) -> None:
    assert EXACT.allows(field, one, other, epoch=epoch) is (repr(one) == repr(other))
    assert not EXACT.allows(field, 1.0, math.nextafter(1.0, 2.0), epoch=epoch)


@given(FIELDS, ANYTHING, ANYTHING, EPOCHS)
def test_bounds_do_not_ask_which_of_the_two_is_the_record(field: str, one: float, other: float, epoch: int) -> None:
    assert BOUNDS.allows(field, one, other, epoch=epoch) is BOUNDS.allows(field, other, one, epoch=epoch)


@given(FIELDS, FIGURES, st.sampled_from([math.nan, math.inf]), EPOCHS)
def test_an_overflow_is_never_close_to_a_number(field: str, figure: float, overflow: float, epoch: int) -> None:
    assert not BOUNDS.allows(field, figure, overflow, epoch=epoch)
    assert not BOUNDS.allows(field, overflow, figure, epoch=epoch)


@given(FIELDS, FIGURES, FIGURES, FIGURES, EPOCHS)
def test_what_lies_between_is_allowed_too(field: str, one: float, other: float, third: float, epoch: int) -> None:
    low, middle, high = sorted([one, other, third])
    if BOUNDS.allows(field, low, high, epoch=epoch):
        assert BOUNDS.allows(field, low, middle, epoch=epoch)
        assert BOUNDS.allows(field, middle, high, epoch=epoch)


@given(FIELDS, FIGURES, FIGURES, EPOCHS, EPOCHS)
def test_bounds_grow_with_the_epochs(field: str, one: float, other: float, first: int, second: int) -> None:
    if BOUNDS.allows(field, one, other, epoch=min(first, second)):
        assert BOUNDS.allows(field, one, other, epoch=max(first, second))


@pytest.mark.parametrize(
    ("field", "epoch", "recorded", "allowed", "refused"),
    [
        ("train_loss", 1, 2.0, 1.89, 1.87),  # 6 % of the larger
        ("train_loss", 2, 2.0, 1.77, 1.75),
        ("train_loss", 100, 2.0, 1.65, 1.63),
        ("train_error", 1, 50.0, 53.4, 53.6),
        ("train_error", 3, 50.0, 60.4, 60.6),
        ("test_loss", 1, 1.0, 0.26, 0.24),
        ("test_loss", 16, 1.0, 0.26, 0.24),
        ("test_error", 1, 40.0, 74.9, 75.1),
    ],
)
def test_bounds_are_those_of_the_docstring(
    field: str, epoch: int, recorded: float, allowed: float, refused: float
) -> None:
    assert BOUNDS.allows(field, recorded, allowed, epoch=epoch)
    assert not BOUNDS.allows(field, recorded, refused, epoch=epoch)


@pytest.mark.parametrize("target", ["source", "figure6"])
def test_seeds_on_a_cpu_keep_to_the_bounds_among_each_other(target: str) -> None:
    records = resnetzoo.read_records(ROOT / "docs" / "results" / target / "results.json")
    pairs = [(one, other) for one in records for other in records if one.name == other.name and one.seed < other.seed]
    assert pairs
    for one, other in pairs:
        for rows in zip(one.epochs, other.epochs, strict=True):
            assert not differences(*rows, BOUNDS), (one.name, one.seed, other.seed, rows[0].epoch)


def test_the_plain_twin_is_not_within_the_bounds() -> None:
    records = resnetzoo.read_records(ROOT / "docs" / "results" / "source" / "results.json")
    plain, residual = (next(record for record in records if record.name == name) for name in ("plainnet20", "resnet20"))
    assert "train_loss" in differences(plain.epochs[0], residual.epochs[0], BOUNDS)


def test_the_rule_is_exact_from_cpu_to_cpu_alone(tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch) -> None:
    record = record_of(tiny_data)
    assert rule_for(record, "cpu") == EXACT
    assert rule_for(replace(record, device="NVIDIA H100 80GB HBM3"), "cpu") == BOUNDS
    assert rule_for(replace(record, processes=2), "cpu") == BOUNDS
    assert rerunning.place_differences(replace(record, processes=2), "cpu")[-1] == "processes: 2 there, 1 here"
    monkeypatch.setattr(room, "resolve_device", torch.device)
    assert rule_for(record, "cuda") == BOUNDS


def test_a_row_is_compared_by_the_bounds_of_its_epoch(tiny_data: resnetzoo.Data) -> None:
    first = record_of(tiny_data).epochs[0]
    found = replace(first, train_loss=1.08 * first.train_loss)
    assert differences(first, found) == {"train_loss": (first.train_loss, found.train_loss)}
    assert set(differences(first, found, BOUNDS)) == {"train_loss"}
    assert not differences(replace(first, epoch=6), replace(found, epoch=6), BOUNDS)


@pytest.mark.parametrize(
    ("execution", "wanted"),
    [
        ("eager", (False, False)),
        ("compiled", (True, False)),
        ("recorded", (False, None)),
        ("compiled and recorded", (True, None)),
    ],
)
def test_steps_run_as_they_were_recorded(
    execution: str, wanted: tuple[bool, bool | None], tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, object]] = []
    choose = opening.choose_strategy

    def watched(*args: object, compile: bool | None, record: bool | None, **rest: object) -> object:  # noqa: A002
        asked.append((compile, record))
        return choose(*args, compile=False, record=record, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "choose_strategy", watched)
    record = record_of(tiny_data, execution=execution)
    asked.clear()
    rerunning.rerun(record, tiny_data, device="cpu", progress=False)
    assert asked == [wanted]


@pytest.mark.parametrize(
    "cut",
    [
        lambda data: data.first(32),
        lambda data: data.validation_split(4),
        lambda data: data.first(32, 10),
        lambda data: data.validation_split(4).first(32, 3),
    ],
    ids=["first", "split", "first of both", "split, first of both"],
)
def test_the_recorded_part_is_cut_from_the_data(
    cut: Callable[[resnetzoo.Data], resnetzoo.Data], tiny_data: resnetzoo.Data
) -> None:
    part = cut(tiny_data)
    record = record_of(part)
    rows = [rerunning.rerun(record, data, device="cpu", progress=False) for data in (part, tiny_data)]
    assert all(found[0] == replace(found[0], **compared(record.epochs[0])) for found in rows)
    for other in (tiny_data.first(20), tiny_data.first(40)):  # too few images, and others
        with pytest.raises(ResultsError, match=r"recorded on other data.*; repeat it with the whole dataset$"):
            rerunning.rerun(record, other, device="cpu", progress=False)
    with pytest.raises(ResultsError, match=r"repeat it with the whole dataset$"):
        rerunning.rerun(record_of(tiny_data), part, device="cpu", progress=False)
    tiny_data.train.images[0, 0, 0, 0] += 1
    with pytest.raises(ResultsError, match=rf"recorded on other data.*{re.escape(part.part)}\) here$"):
        rerunning.rerun(record, tiny_data, device="cpu", progress=False)
    described = replace(record, data={**record.data, "part": "my own"})
    with pytest.raises(ResultsError, match=r"repeat it with the same part of its data$"):
        rerunning.rerun(described, tiny_data, device="cpu", progress=False)


def compared(row: resnetzoo.EpochRow) -> dict[str, float]:
    return {field: getattr(row, field) for field in COMPARED}


def test_a_run_that_began_otherwise_is_not_repeated(tiny_data: resnetzoo.Data) -> None:
    """The record says how it began, but does not hold the weights."""
    record = record_of(tiny_data)
    assert record.starting_point is not None
    other_weights = resnetzoo.StartingPoint.of(small_network(1)).weights
    for changes, words in (
        ({"weights": other_weights}, "with other weights than its seed gives"),
        ({"frozen": ("conv1.weight",)}, "with frozen parameters"),
        ({"settings": ("bn1.momentum=0.01",)}, "with other settings of its norms or dropouts"),
        ({"weights": other_weights, "frozen": ("fc.bias",)}, "gives and with frozen parameters"),
    ):
        otherwise = replace(record, starting_point=replace(record.starting_point, **changes))
        with pytest.raises(ResultsError, match=rf"began .*{words}, and the record .* call fit again"):
            rerunning.rerun(otherwise, tiny_data, device="cpu", progress=False)
    older = replace(record, starting_point=None)
    assert rerunning.rerun(older, tiny_data, device="cpu", progress=False)


@pytest.fixture
def command(tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`rerun` of a run as it was recorded, but for what a test says otherwise of it."""
    monkeypatch.setattr(cli_reproduce, "chosen_data", lambda *choices: tiny_data)
    record = record_of(tiny_data)

    def run(factor: float, **changes: object) -> Result:
        row = replace(record.epochs[0], train_loss=factor * record.epochs[0].train_loss)
        changed = replace(record, epochs=(row, *record.epochs[1:]), **changes)
        write_checksummed(tmp_path / "run.json", changed.to_dict())
        return CliRunner().invoke(cli.app, ["rerun", str(tmp_path / "run.json"), "--device", "cpu"])

    return run


def test_the_command_compares_to_the_last_digit_on_a_cpu(command: Callable[..., Result]) -> None:
    said = command(1.0)
    assert said.exit_code == 0
    assert "compared to the last digit" in said.output
    assert "all figures are as recorded, to the last digit" in said.output
    differs = command(1 + 1e-15)
    assert differs.exit_code != 0
    assert "1 of 4 figures differs from the record; compared to the last digit" in str(differs.exception)


def test_the_command_compares_a_record_of_cuda_within_bounds_and_says_so(command: Callable[..., Result]) -> None:
    said = command(1.02, device="NVIDIA H100 80GB HBM3")
    assert said.exit_code == 0
    assert "compared within train_loss 6 %" in said.output
    assert "since runs on CUDA or of several processes rarely repeat every digit" in said.output.replace("\n", " ")
    assert "all figures are as recorded, within the bounds" in said.output
    assert command(1.10, device="NVIDIA H100 80GB HBM3").exit_code != 0


def test_records_say_that_fp32_was_not_shortened_and_older_ones_are_read(tiny_data: resnetzoo.Data) -> None:
    values = record_of(tiny_data).to_dict()
    assert values["tf32"] is False
    assert resnetzoo.RunRecord.from_dict({**values, "tf32": True}).tf32
    del values["tf32"]
    assert not resnetzoo.RunRecord.from_dict(values).tf32


def test_a_run_extended_within_an_epoch_is_repeated_by_whole_epochs(tiny_data: resnetzoo.Data) -> None:
    """Epochs of three steps, and the end that the run had before after the fourth: epoch 2 has two rows."""
    recipe = replace(TINY_RECIPE, steps=9, extended_at=(4,))
    model = small_network(0)
    run = resnetzoo.fit(model, tiny_data, recipe, device="cpu", precision="fp32", progress=False)
    assert [(row.epoch, row.step) for row in run.epochs] == [(1, 3), (2, 4), (2, 6), (3, 9)]
    for epochs in (1, 2, 3):
        rows = rerunning.rerun(run, tiny_data, epochs=epochs, device="cpu", progress=False)
        assert [row.step for row in rows] == [row.step for row in run.epochs if row.epoch <= epochs]
        assert not any(differences(*pair) for pair in zip(run.epochs, rows, strict=False))
    with pytest.raises(resnetzoo.UsageError, match="the record has 3 epochs, not 4"):
        rerunning.rerun(run, tiny_data, epochs=4, device="cpu", progress=False)
