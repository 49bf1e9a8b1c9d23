"""A recording that fails: the run ends, nothing of what was saved is lost, and the process does not go on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import small_network
from op_recorder import OpRecorder
from torch import nn

import resnetzoo
from resnetzoo.errors import RecordingError
from resnetzoo.training.strategies import base
from resnetzoo.training.strategies.recording import Recording, Work
from resnetzoo.utils.cuda_graph import Replay
from resnetzoo.weights.checkpoint.training_state import read_checkpoint

RECIPE = resnetzoo.Recipe(
    "SHORT", steps=20, epochs=None, lr=0.05, schedule=resnetzoo.recipes.StepDecay((8, 14)), batch_size=10
)


class FailingRecorder(OpRecorder):
    """Sees nothing, and fails when it records."""

    def record(self, work: Work) -> Replay:
        try:
            raise RuntimeError("operation not permitted when stream is capturing")
        finally:
            raise ValueError("operation failed due to a previous error during capture")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "recorder_for", lambda stream: FailingRecorder())


@pytest.mark.usefixtures("failing")
def test_a_recording_that_fails_ends_the_run_and_loses_nothing(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    recipe = replace(RECIPE, batch_size=16)  # three batches an epoch: the first is over when the fourth is recorded
    heard: list[BaseException] = []

    class Hears(resnetzoo.Callback):
        def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
            heard.append(error)

    def start(record: bool | None, folder: Path) -> resnetzoo.Run:
        return resnetzoo.fit(
            small_network(0),
            tiny_data,
            recipe,
            device="cpu",
            precision="fp32",
            record=record,
            out=folder,
            callbacks=[Hears()],
            progress=False,
        )

    with pytest.raises(
        RecordingError, match=r"could not be recorded \(operation not permitted when .*record=False"
    ) as raised:
        start(None, tmp_path / "run")
    assert heard == [raised.value]
    kept = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert (kept.step, len(kept.rows)) == (3, 1)
    resumed, whole = start(False, tmp_path / "run"), start(False, tmp_path / "whole")
    assert [row.train_loss for row in resumed.epochs] == [row.train_loss for row in whole.epochs]
    for name, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value)


@pytest.mark.usefixtures("failing")
def test_a_recording_that_fails_ends_the_runs_beside_it(tiny_data: resnetzoo.Data) -> None:
    jobs = [resnetzoo.Job(small_network(seed), RECIPE) for seed in range(2)]
    with pytest.raises(RecordingError):
        resnetzoo.fit_many(jobs, tiny_data, device="cpu", precision="fp32", progress=False)


def test_no_memory_left_for_a_recording_is_no_failure_of_it() -> None:
    """Whoever runs fewer networks at once may go on."""

    class Full(OpRecorder):
        def record(self, work: Work) -> Replay:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        Recording(Full(), nn.Linear(1, 1), vouched=False).record(lambda: None)
