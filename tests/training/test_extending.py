"""Finished runs that go on for more epochs: what they come to, what is kept, and what is refused."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import small_network

import resnetzoo
from resnetzoo.errors import CheckpointMismatchError, ResultsError
from resnetzoo.models.builders import fresh_network
from resnetzoo.recipes import QUICK20, OneCycle, StepDecay, lr_at
from resnetzoo.reproduce.planned_run import PlannedRun, finished, steps_done
from resnetzoo.rerunning import rerun
from resnetzoo.training.strategies.choose import deciding_images

FIGURES = ("epoch", "step", "lr", "train_loss", "train_error", "test_loss", "test_error")
TWO = replace(QUICK20, name="TWO", batch_size=16).with_epochs(2).for_images(48)  # six steps
STEPS = resnetzoo.Recipe("STEPS", steps=4, epochs=None, lr=0.1, schedule=OneCycle(0.25), batch_size=16)


def fit(
    data: resnetzoo.Data,
    recipe: resnetzoo.Recipe,
    out: Path | None,
    extend_to: int | None = None,
    *,
    seed: int = 0,
    network: resnetzoo.CifarNet | None = None,
    fresh: bool = False,
    callbacks: tuple[resnetzoo.Callback, ...] = (),
) -> resnetzoo.Run:
    return resnetzoo.fit(
        small_network(0) if network is None else network,
        data,
        recipe,
        seed=seed,
        precision="fp32",
        device="cpu",
        out=out,
        fresh=fresh,
        extend_to=extend_to,
        progress=False,
        callbacks=callbacks,
    )


def assert_same(one: resnetzoo.Run, other: resnetzoo.Run) -> None:
    """Weights and figures, bit for bit."""
    for field in FIGURES:
        assert [getattr(row, field) for row in one.epochs] == [getattr(row, field) for row in other.epochs], field
    expected = other.model.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in one.model.state_dict().items())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class StopAfter(resnetzoo.Callback):
    """Ends a run early."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        if row.epoch == self.epoch:
            trainer.request_stop()


@pytest.mark.parametrize(
    ("recipe", "kept", "rule"),
    [
        (TWO, "until-epoch-2", "another cycle of the learning rate, up to 0.2 and down to 0"),
        (replace(TWO, schedule=StepDecay((4,))), "until-epoch-2", "the learning rate goes on at 0.02"),
        (
            replace(TWO, schedule=StepDecay((4, 8))),
            "until-epoch-2",
            "the learning rate goes on at 0.02, and falls to 0.002",
        ),
        (STEPS, "until-step-4", "another cycle of the learning rate, up to 0.1 and down to 0"),
    ],
    ids=["cycle", "decay", "milestone behind the end", "in steps, to the middle of an epoch"],
)
def test_an_extended_run_is_one_of_its_recipe_and_keeps_the_old_one(
    tiny_data: resnetzoo.Data,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    recipe: resnetzoo.Recipe,
    kept: str,
    rule: str,
) -> None:
    out = tmp_path / "run"
    first = fit(tiny_data, recipe, out)
    old = files(out)
    second = fit(tiny_data, recipe, out, 3)
    said = f"extended from step {first.recipe.steps} to 9, 3 epochs in all: {rule}"
    assert capsys.readouterr().out == f"the previous result of the run in {out} is kept in {out / kept}\n{said}\n"
    assert second.epochs[: len(first.epochs)] == first.epochs, "what was learned stays, times included"
    new = files(out / kept)
    assert new.keys() == {"checkpoint.pt", "log.jsonl", "run.json", "test_logits.safetensors"}
    assert all(new[name] == old[name] for name in new if name != "checkpoint.pt")
    assert resnetzoo.load_logits(out / kept).error == first.epochs[-1].test_error
    assert resnetzoo.load_logits(out).error == second.epochs[-1].test_error
    with pytest.raises(CheckpointMismatchError, match=r"was extended: extend_to=3 \(--extend-to 3\) asks for it$"):
        fit(tiny_data, recipe, out)
    (record,) = resnetzoo.read_records(out / kept / "run.json")
    assert record.to_dict() == first.to_dict()
    assert_same(fit(tiny_data, recipe, out / kept), first)
    third = fit(tiny_data, recipe, out, 5)
    (record,) = resnetzoo.read_records(out / "until-epoch-3" / "run.json")
    assert record.to_dict() == second.to_dict()
    assert third.recipe.name == f"{recipe.name}-to3ep-to5ep"
    assert third.recipe.extended_at == (first.recipe.steps, 9)
    assert (third.epochs[-1].epoch, third.epochs[-1].step) == (5, 15)
    assert [row.lr for row in third.epochs] == [lr_at(third.recipe, row.step - 1) for row in third.epochs]
    written = files(out)
    assert_same(fit(tiny_data, recipe, out, 5), third)
    assert files(out) == written, "asked for again, it is read"
    assert_same(fit(tiny_data, recipe.extended_to(3, num_images=48).extended_to(5, num_images=48), None), third)
    (record,) = resnetzoo.read_records(out / "run.json")
    assert record.to_dict() == third.to_dict()


def test_added_steps_are_compiled_where_those_before_were() -> None:
    for recipe in (QUICK20, STEPS):
        assert deciding_images(recipe.extended_to(40).extended_to(400), 16) == deciding_images(recipe, 16)


def test_a_record_of_an_extended_run_is_made_again(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    spec = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))
    for extend_to in (None, 3):
        run = fit(tiny_data, STEPS, tmp_path, extend_to, seed=3, network=fresh_network(spec, seed=3))
    (record,) = resnetzoo.read_records(tmp_path / "run.json")
    assert [row.step for row in record.epochs] == [3, 4, 6, 9]
    again = rerun(record, tiny_data, epochs=3, device="cpu", progress=False)
    assert [[getattr(row, field) for field in FIGURES] for row in again] == [
        [getattr(row, field) for field in FIGURES] for row in run.epochs
    ]


def test_a_report_does_not_take_an_extended_run_for_its_own(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    """Neither once it is finished nor while it goes on."""
    spec = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))
    planned = PlannedRun(spec, TWO, 0, tmp_path)
    fit(tiny_data, TWO, tmp_path, network=planned.build())
    assert finished(planned, tiny_data, "fp32") is not None
    fit(tiny_data, TWO, tmp_path, 4, network=planned.build(), callbacks=(StopAfter(3),))
    assert finished(planned, tiny_data, "fp32") is None
    asked = r"That one was extended: extend_to=4 \(--extend-to 4\) asks for it"
    with pytest.raises(CheckpointMismatchError, match=asked):
        steps_done(planned, tiny_data, "fp32")
    fit(tiny_data, TWO, tmp_path, 4, network=planned.build())
    with pytest.raises(CheckpointMismatchError, match=asked):
        finished(planned, tiny_data, "fp32")
    assert finished(replace(planned, folder=tmp_path / "until-epoch-2"), tiny_data, "fp32") is not None


def test_what_cannot_be_extended_is_refused_in_a_sentence(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    """And nothing in the folder changes."""
    out = tmp_path / "run"
    without = "with the same call without extend_to"

    def refused(message: str, recipe: resnetzoo.Recipe = TWO, extend_to: int | None = 4, **changed: object) -> None:
        before = files(out)
        data = changed.pop("data", tiny_data)
        with pytest.raises(resnetzoo.ResnetzooError, match=message) as caught:
            fit(data, recipe, out, extend_to, **changed)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
        assert files(out) == before

    refused(f"run contains no run that could be extended to 4 epochs: train one first, {without}")
    fit(tiny_data, TWO, out, callbacks=(StopAfter(1),))
    refused(f"is not finished: it is at step 3 of 6, epoch 1 of 2. Finish it {without}")
    fit(tiny_data, TWO, out)
    refused("TWO-2ep has 2 epochs|more than 2, not 2: .* already contains a run of 2 epochs \\(6 steps\\)", extend_to=2)
    refused("extend_to .* must be more than 2, not 1: .* already contains a run", extend_to=1)
    refused("extend_to must be a whole number from 1, not 0", extend_to=0)
    refused("fresh=True starts over", fresh=True)
    refused("holds another run: seed is 0 there, 1 here", seed=1)
    refused("recipe.lr is 0.2 there, 0.1 here", replace(TWO, lr=0.1))
    refused("data.fingerprint is", data=resnetzoo.synthetic(seed=2, train_images=48, test_images=20))
    refused("began with other weights than this network", network=small_network(1))
    refused("spec.family is 'residual' there, 'plain' here", network=plain())
    longer = "To let that one go on, ask for it as it was, with extend_to=4 \\(--extend-to 4\\)"
    refused(longer, TWO.with_epochs(4), None)
    refused("recipe.epochs is 2 there, 3 here", TWO.with_epochs(3))
    fit(tiny_data, TWO, out, 4, callbacks=(StopAfter(3),))
    refused("at step 9 of 12, epoch 3 of 4. Finish it with the same call with extend_to=4", extend_to=5)
    refused("That one was extended: extend_to=4", extend_to=None)
    fit(tiny_data, TWO, out, 4)
    refused("more than 4, not 3: .* already contains a run of 4 epochs \\(12 steps\\)", extend_to=3)
    with pytest.raises(resnetzoo.UsageError, match=r"extend_to .* without out= nothing was kept"):
        fit(tiny_data, TWO, None, 4)


def plain() -> resnetzoo.CifarNet:
    return resnetzoo.CifarNet(resnetzoo.ModelSpec("plain", 8, widths=(4, 8, 16)))


def test_nothing_is_lost_where_an_extension_fails_to_begin(
    tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of the files that it writes; the same call then begins again, and keeps the run once."""
    straight = fit(tiny_data, TWO.extended_to(3), None)
    fit(tiny_data, TWO, tmp_path / "old")
    for place in range(6):
        out = tmp_path / str(place)
        shutil.copytree(tmp_path / "old", out)
        with monkeypatch.context() as failing:
            left = iter(range(place))
            failing.setattr(Path, "rename", failing_after(left, Path.rename))
            failing.setattr(Path, "replace", failing_after(left, Path.replace))
            with pytest.raises(resnetzoo.errors.OutputError, match=r"cannot write .*No space left"):
                fit(tiny_data, TWO, out, 3)
        assert_same(fit(tiny_data, TWO, out, 3), straight)
        assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["until-epoch-2"]
        assert files(out / "until-epoch-2")["run.json"] == files(tmp_path / "old")["run.json"]


def failing_after(left: Iterator[int], rename: Callable[..., Path]) -> Callable[..., Path]:
    """The call with this number, from 0, finds the disk full."""

    def call(*paths: Path) -> Path:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(*paths)

    return call


class Fail(resnetzoo.Callback):
    """Ends a run before its first step."""

    def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
        raise InterruptedError


def test_a_damaged_beginning_of_an_extension_begins_again(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    """From the end of the finished run, whose record is kept by then."""
    fit(tiny_data, TWO, tmp_path)
    with pytest.raises(InterruptedError):
        fit(tiny_data, TWO, tmp_path, 3, callbacks=(Fail(),))
    assert not (tmp_path / "run.json").exists(), "of the finished run, which the folder no longer holds"
    (tmp_path / "checkpoint.pt").write_bytes(b"half")
    with pytest.warns(UserWarning, match="not used, but set aside as"):
        run = fit(tiny_data, TWO, tmp_path, 3)
    assert_same(run, fit(tiny_data, TWO.extended_to(3), None))
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["until-epoch-2"]


def test_a_run_without_its_record_is_not_extended(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    fit(tiny_data, TWO, tmp_path)
    (tmp_path / "run.json").unlink()
    with pytest.raises(ResultsError, match=r"has no run\.json .*: the same call without extend_to .* writes it"):
        fit(tiny_data, TWO, tmp_path, 3)
    fit(tiny_data, TWO, tmp_path)
    fit(tiny_data, TWO, tmp_path, 3)
    shutil.copytree(tmp_path / "until-epoch-2", tmp_path, dirs_exist_ok=True)  # goes back, and on another way
    assert fit(tiny_data, TWO, tmp_path, 4).recipe.name == "TWO-2ep-to4ep"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["until-epoch-2"]
