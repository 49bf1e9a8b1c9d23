"""The hooks of a run: when they are called, in which order, and what they may do."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import small_network

import resnetzoo
from resnetzoo.errors import NonFiniteLossError, TrainingInterrupted
from resnetzoo.training.results import read_record
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.starting_point import fingerprint_weights
from resnetzoo.weights.checkpoint.training_state import read_checkpoint


class Journal(resnetzoo.Callback):
    """Notes each call with the step."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
        self.calls.append(("start", trainer.step))

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        self.calls.append(("step", trainer.step))

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        assert row is trainer.rows[-1]
        self.calls.append(("epoch", row.step))

    def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
        assert run.epochs == tuple(trainer.rows)
        self.calls.append(("end", trainer.step))

    def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
        self.calls.append((type(error).__name__, trainer.step))


def fit(
    data: resnetzoo.Data,
    recipe: resnetzoo.Recipe,
    *callbacks: resnetzoo.Callback,
    out: Path | None = None,
    checkpoint_every: int | None = None,
    seed: int = 0,
) -> resnetzoo.Run:
    return resnetzoo.fit(
        small_network(seed),
        data,
        recipe,
        device="cpu",
        precision="fp32",
        out=out,
        checkpoint_every=checkpoint_every,
        progress=False,
        callbacks=callbacks,
    )


def test_hooks_are_called_in_order(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path) -> None:
    first, second = Journal(), Journal()
    fit(tiny_data, tiny_recipe, first, second, out=tmp_path)
    steps = [("step", number) for number in range(1, 7)]
    assert first.calls == [("start", 0), *steps[:3], ("epoch", 3), *steps[3:], ("epoch", 6), ("end", 6)]
    assert second.calls == first.calls
    again = Journal()
    fit(tiny_data, tiny_recipe, again, out=tmp_path)
    assert again.calls == [("start", 6), ("end", 6)]


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (resnetzoo.Callback(), r"must be a list of callbacks, not a Callback: write callbacks=\[...\]"),
        ([Journal], r"takes instances, not the class Journal: Journal\(...\)"),
        ([print], "derives from resnetzoo.Callback, and a builtin_function_or_method does not"),
    ],
)
def test_what_is_no_callback_is_refused_before_a_step(
    callbacks: Any, message: str, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    model = small_network(0)
    start = fingerprint_weights(model.state_dict())
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.fit(model, tiny_data, tiny_recipe, device="cpu", progress=False, callbacks=callbacks)
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.fit_many([resnetzoo.Job(model, tiny_recipe, callbacks=callbacks)], tiny_data, progress=False)
    assert fingerprint_weights(model.state_dict()) == start


def test_a_callback_that_overrides_nothing_changes_nothing(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    class Nothing(resnetzoo.Callback):
        pass

    with_it, without = fit(tiny_data, tiny_recipe, Nothing()), fit(tiny_data, tiny_recipe)
    for name, value in without.model.state_dict().items():
        assert torch.equal(with_it.model.state_dict()[name], value)


def test_metrics_of_each_step_are_those_of_the_row_at_the_epochs_end(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    class Watch(resnetzoo.Callback):
        def __init__(self) -> None:
            self.seen: list[tuple[float, float, int, float]] = []

        def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
            assert isinstance(trainer.metrics.loss, torch.Tensor)  # nothing has read its value yet
            metrics = trainer.metrics
            self.seen.append((metrics.mean_loss(), metrics.error(), metrics.images, trainer.lr))

    watch = Watch()
    run = fit(tiny_data, tiny_recipe, watch)
    assert [images for _, _, images, _ in watch.seen] == [16, 32, 48] * 2
    assert [lr for *_, lr in watch.seen] == pytest.approx([0.05] * 3 + [0.005] * 2 + [0.0005])
    for place, row in ((2, run.epochs[0]), (5, run.epochs[1])):
        assert watch.seen[place][:2] == (row.train_loss, row.train_error)


class Raises(resnetzoo.Callback):
    """Raises in one of the hooks."""

    def __init__(self, hook: str, step: int) -> None:
        self.hook, self.step = hook, step

    def _raise(self, hook: str, step: int) -> None:
        if (hook, step) == (self.hook, self.step):
            raise RuntimeError(f"{hook} at {step}")

    def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
        self._raise("start", trainer.step)

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        self._raise("step", trainer.step)

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        self._raise("epoch", row.step)

    def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
        self._raise("end", trainer.step)


@pytest.mark.parametrize(
    ("hook", "step", "kept"), [("start", 0, 0), ("step", 2, 0), ("epoch", 3, 3), ("step", 5, 3), ("end", 6, 6)]
)
def test_an_exception_in_a_hook_ends_the_run_and_loses_nothing(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, hook: str, step: int, kept: int
) -> None:
    journal = Journal()
    with pytest.raises(RuntimeError, match=f"{hook} at {step}"):
        fit(tiny_data, tiny_recipe, journal, Raises(hook, step), out=tmp_path)
    assert journal.calls[-1] == ("end" if hook == "end" else "RuntimeError", step)
    assert [name for name, _ in journal.calls].count("RuntimeError") == (hook != "end")
    assert read_checkpoint(tmp_path / "checkpoint.pt").step == kept
    resumed, straight = fit(tiny_data, tiny_recipe, out=tmp_path), fit(tiny_data, tiny_recipe)
    for name, value in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value)


def test_callbacks_whose_end_has_not_returned_hear_of_an_error_in_it(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    class RaisesAndNotes(Journal):
        def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
            raise RuntimeError("in the end")

    before, raises, behind = Journal(), RaisesAndNotes(), Journal()
    with pytest.raises(RuntimeError, match="in the end"):
        fit(tiny_data, tiny_recipe, before, raises, behind)
    assert [journal.calls[-1][0] for journal in (before, raises, behind)] == ["end", "RuntimeError", "RuntimeError"]
    assert ("end", 6) not in behind.calls


class Interrupts(resnetzoo.Callback):
    def __init__(self, hook: str, step: int) -> None:
        self.hook, self.step = hook, step

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if (self.hook, self.step) == ("step", trainer.step):
            trainer.interrupt(signal.SIGTERM)

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        if (self.hook, self.step) == ("epoch", trainer.step):
            trainer.interrupt(signal.SIGTERM)


@pytest.mark.parametrize(
    ("hook", "step", "saved"),
    [("step", 1, 2), ("step", 2, 3), ("step", 3, 3), ("epoch", 3, 3), ("step", 4, 5), ("step", 6, 6), ("epoch", 6, 6)],
)
def test_an_interruption_by_a_callback_says_the_step_that_was_saved(
    hook: str, step: int, saved: int, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    with pytest.raises(TrainingInterrupted, match=f"stopped after step {saved} of 6: saved in") as raised:
        fit(tiny_data, tiny_recipe, Interrupts(hook, step), out=tmp_path)
    assert raised.value.signal_number == signal.SIGTERM
    assert read_checkpoint(tmp_path / "checkpoint.pt").step == saved
    resumed, straight = fit(tiny_data, tiny_recipe, out=tmp_path), fit(tiny_data, tiny_recipe)
    assert all(
        torch.equal(resumed.model.state_dict()[name], value) for name, value in straight.model.state_dict().items()
    )
    with pytest.raises(TrainingInterrupted, match=f"stopped after step {step} of 6: nothing was saved"):
        fit(tiny_data, tiny_recipe, Interrupts(hook, step))


def test_weights_changed_behind_the_last_step_of_an_epoch_are_tested_and_saved(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    class Prunes(resnetzoo.Callback):
        def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
            with torch.no_grad():
                trainer.model.conv1.weight[0].zero_()

    run = fit(tiny_data, tiny_recipe, Prunes(), out=tmp_path)
    saved = resnetzoo.load_checkpoint(tmp_path)
    assert not saved.conv1.weight[0].any()
    assert resnetzoo.evaluate(saved, tiny_data.test).loss == pytest.approx(run.epochs[-1].test_loss)


def test_a_callback_that_has_not_begun_hears_of_no_error(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    behind = Journal()
    with pytest.raises(RuntimeError, match="start at 0"):
        fit(tiny_data, tiny_recipe, Raises("start", 0), behind)
    assert behind.calls == []


def test_all_callbacks_hear_of_an_error_though_one_raises(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    class RaisesAgain(resnetzoo.Callback):
        def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
            raise ValueError("while the run failed") from error

    before, behind = Journal(), Journal()
    with pytest.raises(ValueError, match="while the run failed") as raised:
        fit(tiny_data, tiny_recipe, before, RaisesAgain(), behind, Raises("step", 2))
    assert str(raised.value.__cause__) == "step at 2"
    assert before.calls[-1] == behind.calls[-1] == ("RuntimeError", 2)


class StopsAt(resnetzoo.Callback):
    """Asks for the end at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
        self.on_step_end(trainer)

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step == self.step:
            trainer.request_stop()


@pytest.mark.parametrize("step", [1, 3])
def test_a_run_stopped_early_ends_with_its_epoch_and_can_go_on(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, step: int
) -> None:
    journal = Journal()
    stopped = fit(tiny_data, tiny_recipe, StopsAt(step), journal, out=tmp_path)
    assert [(row.epoch, row.step) for row in stopped.epochs] == [(1, 3)]
    assert not stopped.model.training
    assert stopped.stopped_early
    assert resnetzoo.RunRecord.from_dict(stopped.to_dict()).stopped_early
    assert journal.calls[-1] == ("end", 3)
    assert not (tmp_path / "run.json").exists()
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1
    again = fit(tiny_data, tiny_recipe, StopsAt(3), journal, out=tmp_path)
    assert again.epochs == stopped.epochs
    assert journal.calls[-2:] == [("start", 3), ("end", 3)]
    resumed, straight = fit(tiny_data, tiny_recipe, out=tmp_path), fit(tiny_data, tiny_recipe)
    assert len(read_record(tmp_path / "run.json").epochs) == 2
    assert not resumed.stopped_early
    assert not read_record(tmp_path / "run.json").stopped_early
    for name, value in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value)


def test_a_stop_asked_for_within_an_epoch_that_is_taken_up_comes_behind_it(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="step at 4"):
        fit(tiny_data, tiny_recipe, Raises("step", 4), out=tmp_path, checkpoint_every=1)
    journal = Journal()
    longer = fit(tiny_data, tiny_recipe, StopsAt(4), journal, out=tmp_path)
    assert journal.calls == [("start", 4), ("step", 5), ("step", 6), ("epoch", 6), ("end", 6)]
    assert not longer.stopped_early


def test_an_early_end_is_told(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    resnetzoo.fit(small_network(0), tiny_data, tiny_recipe, device="cpu", callbacks=[StopsAt(1)])
    *_, epoch, end = capsys.readouterr().out.strip().splitlines()  # older versions of rich end with an empty line
    assert "epoch   1/2" in epoch
    assert end.endswith("stopped early by a callback, after 3 of 6 steps")


def test_callbacks_of_a_job_are_its_own(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    first, second = Journal(), Journal()
    longer = replace(tiny_recipe, steps=9)
    jobs = [
        resnetzoo.Job(small_network(0), tiny_recipe, callbacks=[first]),
        resnetzoo.Job(small_network(1), longer, callbacks=[second, StopsAt(4)]),
    ]
    runs = resnetzoo.fit_many(jobs, tiny_data, device="cpu", precision="fp32", progress=False)
    assert [len(run.epochs) for run in runs] == [2, 2]
    assert (first.calls[-1], second.calls[-1]) == (("end", 6), ("end", 6))
    assert ("step", 7) not in second.calls


def test_a_signal_while_the_last_epoch_is_saved_is_not_lost(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    class Late(resnetzoo.Callback):
        def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
            if trainer.finished:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(resnetzoo.TrainingInterrupted, match="stopped after step 6 of 6: saved in"):
        fit(tiny_data, tiny_recipe, Late(), out=tmp_path)
    assert len(fit(tiny_data, tiny_recipe, out=tmp_path).epochs) == 2


def test_sums_finite_check_row_save_and_log_come_in_this_order(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several processes add up, save and log together: in another order they would wait for each other for ever."""
    done: list[str] = []

    def noting(name: str, function: object) -> object:
        def call(*arguments: object, **options: object) -> object:
            done.append(name)
            return function(*arguments, **options)  # type: ignore[operator]

        return call

    package = "resnetzoo.training"
    monkeypatch.setattr(RunningMetrics, "all_reduce", noting("sums", RunningMetrics.all_reduce))
    for path, name in (
        (f"{package}.callbacks.finite.check_finite", "finite check"),
        (f"{package}.callbacks.checkpointing.save_checkpoint", "save"),
        (f"{package}.callbacks.log_file.write_atomically", "log"),
    ):
        module, _, attribute = path.rpartition(".")
        original = getattr(__import__(module, fromlist=[attribute]), attribute)
        monkeypatch.setattr(path, noting(name, original))

    class Rows(list[resnetzoo.EpochRow]):
        def append(self, row: resnetzoo.EpochRow) -> None:
            done.append("row")
            super().append(row)

    class Watches(resnetzoo.Callback):
        def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
            trainer.rows = Rows()

        def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
            done.append("callbacks of the user")

    fit(tiny_data, replace(tiny_recipe, steps=3), Watches(), out=tmp_path)
    assert done == ["save", "sums", "finite check", "row", "save", "log", "callbacks of the user"]


def test_a_loss_that_is_not_finite_is_neither_saved_nor_logged(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    class Poisons(resnetzoo.Callback):
        def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
            if trainer.step == 5:
                trainer.metrics.loss.fill_(torch.inf)

        def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
            assert [row.epoch for row in trainer.rows] == [1]
            heard.append(error)

    heard: list[BaseException] = []
    journal = Journal()
    with pytest.raises(NonFiniteLossError, match=r"the loss became inf by step 6 at learning rate 0\.0005"):
        fit(tiny_data, tiny_recipe, Poisons(), journal, out=tmp_path)
    assert [type(error) for error in heard] == [NonFiniteLossError]
    assert journal.calls[-1] == ("NonFiniteLossError", 6)
    assert ("epoch", 6) not in journal.calls  # the user's callbacks come behind the check
    assert read_checkpoint(tmp_path / "checkpoint.pt").step == 3
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


def test_stored_sums_keep_their_names(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path) -> None:
    """Checkpoints of every version so far say `wrong`."""
    with pytest.raises(RuntimeError, match="step at 2"):
        fit(tiny_data, tiny_recipe, Raises("step", 2), out=tmp_path, checkpoint_every=2)
    totals = read_checkpoint(tmp_path / "checkpoint.pt").totals
    assert sorted(totals) == ["images", "loss", "seconds", "wrong"]
    metrics = RunningMetrics(torch.device("cpu"))
    metrics.load_state_dict({"loss": 12.5, "wrong": 7, "images": 32, "seconds": 1.5})
    assert (metrics.mean_loss(), metrics.error(), metrics.images) == (12.5 / 32, 100 * 7 / 32, 32)
    assert metrics.state_dict() == {"loss": 12.5, "wrong": 7, "images": 32, "seconds": 1.5}
