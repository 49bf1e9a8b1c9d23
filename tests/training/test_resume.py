"""Runs that are killed, interrupted and refused room, as real processes with real signals."""

import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from cases import Command, command_line, environment, small_network, start, wait_for

import resnetzoo

TRAIN = (
    *("resnetzoo", "train", "plainnet20", "--dataset", "synthetic", "--max-train-images", "192", "--recipe", "SMOKE"),
    *("--epochs", "4", "--batch-size", "16", "--precision", "fp32", "--device", "cpu", "--seed", "3"),
)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return resnetzoo.load_checkpoint(folder).state_dict()


@pytest.fixture(scope="session")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights of the run that nobody stopped."""
    folder = tmp_path_factory.mktemp("straight")
    subprocess.run(command_line(*TRAIN, "--out", "run"), cwd=folder, env=environment(), check=True)
    return weights(folder / "run")


@pytest.mark.parametrize("every", [(), ("--checkpoint-every", "5")], ids=["epochs", "steps"])
def test_killed_again_and_again_it_ends_with_the_same_weights(
    tmp_path: Path, straight: dict[str, torch.Tensor], every: tuple[str, ...]
) -> None:
    words = (*TRAIN, *every, "--out", "run")
    delays = [0.0, 0.4, 0.9, 1.7]  # seconds behind the first checkpoint: some epoch, some step, some write
    for delay in delays:
        process = start(tmp_path, *words)
        wait_for(tmp_path / "run" / "checkpoint.pt", process)
        time.sleep(delay)
        process.kill()
        process.communicate()
    finished = subprocess.run(command_line(*words), cwd=tmp_path, env=environment(), check=True)
    assert finished.returncode == 0
    resumed = weights(tmp_path / "run")
    assert resumed.keys() == straight.keys()
    assert all(torch.equal(resumed[key], straight[key]) for key in straight)
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_step_and_prints_what_resumes(
    tmp_path: Path, straight: dict[str, torch.Tensor], number: signal.Signals
) -> None:
    words = (*TRAIN, "--out", "run")
    process = start(tmp_path, *words)
    wait_for(tmp_path / "run" / "log.jsonl", process)
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == 128 + number
    assert "saved in run" in said
    assert f"to go on: {' '.join(words)}" in said
    assert "Traceback" not in said
    finished = subprocess.run(command_line(*words), cwd=tmp_path, env=environment(), check=True)
    assert finished.returncode == 0
    resumed = weights(tmp_path / "run")
    assert all(torch.equal(resumed[key], straight[key]) for key in straight)


@pytest.mark.parametrize("step", range(1, 7))
@pytest.mark.parametrize("every", [None, 2])
def test_a_signal_in_any_step_loses_nothing(
    tmp_path: Path, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, step: int, every: int | None
) -> None:
    """Three steps an epoch, two epochs: in the middle of one, in its last step, in the very last."""

    def train(out: str, model: resnetzoo.CifarNet) -> resnetzoo.Run:
        return resnetzoo.fit(
            model,
            tiny_data,
            tiny_recipe,
            device="cpu",
            precision="fp32",
            out=tmp_path / out,
            checkpoint_every=every,
            progress=False,
        )

    stopped, seen = small_network(0), []
    handler = signal.getsignal(signal.SIGINT)

    def send_at_step(model: torch.nn.Module, _: object) -> None:
        seen.extend([1] * model.training)
        if model.training and len(seen) == step:
            os.kill(os.getpid(), signal.SIGINT)

    stopped.register_forward_pre_hook(send_at_step)
    with pytest.raises(resnetzoo.TrainingInterrupted, match=f"stopped after step {step} of 6: saved in"):
        train("stopped", stopped)
    assert signal.getsignal(signal.SIGINT) is handler
    resumed, straight = train("stopped", small_network(1)), train("straight", small_network(0))
    expected = straight.model.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in resumed.model.state_dict().items())
    for field in ("epoch", "step", "lr", "train_loss", "train_error", "test_loss", "test_error"):
        assert [getattr(row, field) for row in resumed.epochs] == [getattr(row, field) for row in straight.epochs], (
            field
        )


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path: Path, tiny_data: resnetzoo.Data) -> None:
    """A limit on the size of files stands for the disk: writing fails in the middle, as it does there."""
    words = (*TRAIN, "--out", "run")
    process = start(tmp_path, *words)
    wait_for(tmp_path / "run" / "log.jsonl", process)
    process.kill()
    process.communicate()
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()

    def limit_file_size() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))

    full = subprocess.run(
        command_line(*words),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=limit_file_size,
        check=False,
    )
    assert full.returncode == 1
    assert full.stderr.count("\n") == 1
    assert "error: cannot write run/checkpoint.pt" in full.stderr
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "checkpoint.previous.pt",
        "checkpoint.pt",
        "log.jsonl",
    ]


def test_another_network_in_the_folder_is_refused_in_one_line(run_command: Command, tmp_path: Path) -> None:
    words = [*TRAIN, "--out", "run"]
    words[words.index("4")] = "1"
    assert run_command(*words).returncode == 0
    shutil.copytree(tmp_path / "run", tmp_path / "kept")
    words[2] = "resnet20"
    refused = run_command(*words)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "spec.family is 'plain' there, 'residual' here" in refused.stderr
    for path in (tmp_path / "kept").iterdir():
        assert path.read_bytes() == (tmp_path / "run" / path.name).read_bytes()
