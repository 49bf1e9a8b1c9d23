"""What a plan should take: timed where steps are as they will be, and never a reason not to begin."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import TINY_RECIPE

import resnetzoo
from resnetzoo.errors import NonFiniteLossError, RecordingError, TrainingInterrupted
from resnetzoo.reproduce import forecast as forecasting
from resnetzoo.reproduce.forecast import MeasuredSteps, SecondsPerImage, forecast, measure_seconds_per_image
from resnetzoo.reproduce.planned_run import PlannedRun
from resnetzoo.training.strategies.recorded import WARM_UP_STEPS

PLAIN = resnetzoo.ModelSpec("plain", 8, widths=(4, 8, 16))
RESIDUAL = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))
ON_CUDA = MeasuredSteps.on(torch.device("cuda"))


def planned(spec: resnetzoo.ModelSpec, folder: Path, seed: int = 0) -> PlannedRun:
    return PlannedRun(spec, TINY_RECIPE, seed, folder / f"{spec.family}-{seed}")


def measure(data: resnetzoo.Data, folder: Path) -> SecondsPerImage:
    return measure_seconds_per_image(planned(RESIDUAL, folder), data, device="cpu", precision="fp32")


class KnownPace:
    """`fit`, but that the first epochs ran at 10 images a second and the others at 100."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, slow: int) -> None:
        self.slow = slow
        self.runs: list[resnetzoo.Run] = []
        self.fit = forecasting.fit
        monkeypatch.setattr(forecasting, "fit", self)

    def __call__(self, *args: object, **choices: object) -> resnetzoo.Run:
        run = self.fit(*args, **choices)  # type: ignore[arg-type]
        self.runs.append(run)
        rows = tuple(replace(row, images_per_second=10.0 if row.epoch <= self.slow else 100.0) for row in run.epochs)
        return replace(run, epochs=rows)


def test_recorded_steps_are_timed_behind_their_warm_up_and_recording() -> None:
    assert ON_CUDA.first > WARM_UP_STEPS
    assert ON_CUDA.timed >= 30
    assert str(ON_CUDA) == "times from 30 steps of each network, uncompiled, the first 4 left out"


@pytest.mark.parametrize(
    ("train_images", "epochs", "left_out"),
    [
        (48, 12, 2),  # of 3 steps each: 2 epochs for the first 4 steps, 10 for 30
        (480, 2, 1),  # of 30 steps each
        (700, 2, 1),
        (8, 34, 4),  # one batch of all images
    ],
)
def test_what_comes_first_is_left_out(
    train_images: int, epochs: int, left_out: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MeasuredSteps, "on", lambda device: ON_CUDA)
    known = KnownPace(monkeypatch, slow=left_out)
    found = measure(resnetzoo.synthetic(seed=1, train_images=train_images, test_images=20), tmp_path)
    assert found.train == pytest.approx(1 / 100)
    rows = known.runs[0].epochs
    assert len(rows) == epochs
    assert rows[left_out - 1].step >= ON_CUDA.first
    assert rows[-1].step - rows[left_out - 1].step >= ON_CUDA.timed


def test_on_a_cpu_the_second_step_is_timed(
    tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownPace(monkeypatch, slow=1)
    assert measure(tiny_data, tmp_path).train == pytest.approx(1 / 100)
    assert known.runs[0].epochs[-1].step == 2
    assert str(MeasuredSteps.on(torch.device("cpu"))).startswith("times from 1 step of each network")


def test_a_slow_network_is_left_after_its_first_step(
    tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecasting, "_ENOUGH_SECONDS", 0.0)
    known = KnownPace(monkeypatch, slow=1)
    assert measure(tiny_data, tmp_path).train == pytest.approx(1 / 10)
    assert known.runs[0].epochs[-1].step == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nand more"), "OutOfMemoryError: CUDA out"),
        (NonFiniteLossError("the loss is nan"), "the loss is nan"),
        (RuntimeError("unable to find an engine"), "RuntimeError: unable to find an engine"),
    ],
)
def test_a_network_that_cannot_be_measured_has_no_forecast(
    error: Exception, reason: str, tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def measured(
        run: PlannedRun, data: resnetzoo.Data, *, device: str, precision: str, record: bool | None
    ) -> SecondsPerImage:
        asked.append(run.spec.family)
        if run.spec == PLAIN:
            raise error
        return SecondsPerImage(train=1.0, test=0.0)

    monkeypatch.setattr(forecasting, "measure_seconds_per_image", measured)
    runs = [planned(spec, tmp_path, seed) for spec in (PLAIN, RESIDUAL) for seed in (0, 1)]
    said: list[str] = []
    assert forecast(runs, tiny_data, device="cpu", precision="fp32", record=None, say=said.append) == runs
    assert asked == ["plain", "residual"]
    assert said[0].startswith("4 runs, 0 of them done; times from 1 step of each network")
    assert [f"no forecast: {reason}" in line for line in said] == [False, True, True, False, False, False]
    assert "about 2 min" in said[3]  # 96 images
    assert said[-1].endswith("about 3 min, without 2 of the runs")
    assert not any("\n" in line for line in said)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TrainingInterrupted("nothing was saved, because out was not given", 2), "^stopped while steps were timed"),
        (RecordingError("the process should end"), "the process should end"),
    ],
)
def test_what_ends_the_process_ends_the_forecast(
    error: Exception, message: str, tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*args: object, **choices: object) -> SecondsPerImage:
        raise error

    monkeypatch.setattr(forecasting, "measure_seconds_per_image", measured)
    with pytest.raises(type(error), match=message):
        forecast(
            [planned(PLAIN, tmp_path)], tiny_data, device="cpu", precision="fp32", record=None, say=lambda line: None
        )
