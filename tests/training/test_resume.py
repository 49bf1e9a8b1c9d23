"""Runs that are killed, interrupted and refused room, as real processes with real signals."""

import os
import re
import resource
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from cases import Call, assert_one_line, small_network, write_folder
from interrupted import (
    SMALL,
    TRAIN,
    killed_in_step,
    killed_in_write,
    send_in_step,
    small_networks,
    small_networks_behind,
    train,
    weights,
)
from marks import slow_if_in
from processes import Fork

import resnetzoo
from resnetzoo import cli
from resnetzoo.data.cifar_files import CIFAR10
from resnetzoo.models import registry
from resnetzoo.training.callbacks.signals import catch_signals
from resnetzoo.training.run_folder import read_latest
from resnetzoo.utils.own_files import host_name
from resnetzoo.weights.checkpoint.training_state import read_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the data lie, and beside them the folder of each test."""
    folder = tmp_path_factory.mktemp("resume")
    write_folder(folder / "data", CIFAR10, "binary", count=40)
    return folder


@pytest.fixture
def place(folder: Path, request: pytest.FixtureRequest) -> Path:
    """Where a test's commands run."""
    place = folder / request.node.name
    place.mkdir()
    return place


@pytest.fixture(scope="module")
def straight(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of the run that nobody stopped."""
    place = folder / "straight"
    place.mkdir()
    assert train(place).wait().returncode == 0
    return weights(place)


at_once_and_behind = pytest.mark.parametrize(
    "set_up", slow_if_in([small_networks_behind], [small_networks, small_networks_behind])
)


@at_once_and_behind
@pytest.mark.parametrize("every", [(), ("--checkpoint-every", "5")], ids=["epochs", "steps"])
@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_weights(
    place: Path, straight: dict[str, torch.Tensor], every: tuple[str, ...], set_up: Callable[[], None]
) -> None:
    reached = 0
    for kill, number in ((killed_in_step, 20), (killed_in_write, 1), (killed_in_step, 14)):
        assert train(place, partial(kill, number, set_up), *every).wait().returncode == -signal.SIGKILL
        left = read_latest(place / "run")
        assert left is not None
        assert left.step >= reached
        assert weights(place).keys() == straight.keys()
        reached = left.step
    last = place / "run" / "checkpoint.pt"
    before = last.stat().st_mtime_ns
    killed = train(place, set_up, *every)  # and once from outside, wherever that finds it
    killed.wait_for(lambda: last.stat().st_mtime_ns != before)
    killed.kill()
    killed.wait()
    assert train(place, set_up, *every).wait().returncode == 0
    resumed = weights(place)
    assert resumed.keys() == straight.keys()
    assert all(torch.equal(resumed[key], straight[key]) for key in straight)
    assert len((place / "run" / "log.jsonl").read_text().splitlines()) == 4
    assert not list((place / "run").glob(".*"))  # half a checkpoint was left by the second one


@at_once_and_behind
@pytest.mark.parametrize(
    "number",
    slow_if_in([signal.SIGHUP, signal.SIGUSR1], [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]),
)
def test_a_signal_saves_the_step_and_prints_what_resumes(
    place: Path, straight: dict[str, torch.Tensor], number: signal.Signals, set_up: Callable[[], None]
) -> None:
    fresh = number == signal.SIGTERM  # what resumes the run must not start it over
    process = train(place, set_up, *["--fresh"] * fresh)
    process.wait_for((place / "run" / "log.jsonl").exists)
    process.send_signal(number)
    said = process.wait()
    assert said.returncode == 128 + number
    step, call = read_checkpoint(place / "run" / "checkpoint.pt").step, "the same call" + " without fresh" * fresh
    assert f"stopped after step {step} of 52: saved in run; {call} continues from there\n" in said.stderr
    assert f"to go on: {' '.join(TRAIN)}\n" in said.stderr
    assert "Traceback" not in said.stderr
    assert train(place, set_up).wait().returncode == 0
    resumed = weights(place)
    assert all(torch.equal(resumed[key], straight[key]) for key in straight)


def asked_to_end_in_step(number: int) -> None:
    """Before the command: a scheduler that will kill the process soon says so when this training step begins."""
    small_networks()
    send_in_step(number, signal.SIGUSR1)


def test_a_repeated_run_that_is_interrupted_starts_again(folder: Path, straight: object) -> None:
    words = ("resnetzoo", "rerun", "run/run.json", "--data-dir", "../data", "--device", "cpu")
    said = Fork(folder / "straight", *words, prepare=partial(asked_to_end_in_step, 5)).wait()
    assert said.returncode == 128 + signal.SIGUSR1
    assert "stopped before the comparison: a repeated run keeps nothing" in said.stderr
    assert f"to start again: {' '.join(words)}\n" in said.stderr


@pytest.mark.slow
def test_an_extension_that_is_killed_and_interrupted_ends_as_one_that_was_not(place: Path) -> None:
    """One command asks for it, until it is finished and afterwards; what the run had come to is kept all the time."""
    longer = ("--extend-to", "6")
    assert train(place).wait().returncode == 0
    shutil.copytree(place / "run", place / "straight")
    said = train(place, small_networks, *longer, "--out", "straight").wait()
    assert "extended from step 52 to 78, 6 epochs in all: another cycle of the learning rate" in said.stdout
    kept = {name: (place / "run" / name).read_bytes() for name in ("run.json", "log.jsonl")}
    for kill, number in ((killed_in_write, 2), (killed_in_step, 20)):
        assert train(place, partial(kill, number), *longer).wait().returncode == -signal.SIGKILL
    said = train(place, partial(asked_to_end_in_step, 5), *longer).wait()
    assert said.returncode == 128 + signal.SIGUSR1
    assert f"to go on: {' '.join((*TRAIN, *longer))}\n" in said.stderr
    for _ in range(2):
        said = train(place, small_networks, *longer).wait()
        assert said.returncode == 0
        assert "after 6 epochs; kept in run" in said.stdout
    expected, found = (resnetzoo.load_checkpoint(run).state_dict() for run in (place / "straight", place / "run"))
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert {name: (place / "run" / "until-epoch-4" / name).read_bytes() for name in kept} == kept


def several_signals() -> None:
    with catch_signals(saved=False) as request:
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
            os.kill(os.getpid(), number)
        assert request.signal_number == signal.SIGHUP
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_signals_that_would_not_end_the_process_are_left_alone() -> None:
    """As under nohup, or where a scheduler's library waits for them; and systems send several signals in a row."""
    for number, handler in ((signal.SIGHUP, signal.SIG_IGN), (signal.SIGUSR1, lambda *_: None)):
        former = signal.signal(number, handler)
        try:
            with catch_signals(saved=True):
                assert signal.getsignal(number) is handler
        finally:
            signal.signal(number, former)
    with pytest.raises(resnetzoo.TrainingInterrupted, match="had already ended") as late:
        several_signals()
    assert not late.value.saved
    assert late.value.signal_number == signal.SIGHUP  # one that came behind the last step stops what follows, too


@pytest.mark.filterwarnings("ignore:the network has a hook")
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
            replace(tiny_recipe, clip_norm=0.5),
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
    resumed, straight = train("stopped", small_network(0)), train("straight", small_network(0))
    expected = straight.model.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in resumed.model.state_dict().items())
    for field in ("epoch", "step", "lr", "train_loss", "train_error", "test_loss", "test_error"):
        assert [getattr(row, field) for row in resumed.epochs] == [getattr(row, field) for row in straight.epochs], (
            field
        )


def stopped_in_step(number: int) -> None:
    """The same for a process that is stopped, as Ctrl-Z does, and goes on when it is told to."""
    small_networks()
    send_in_step(number, signal.SIGSTOP)


@pytest.mark.slow
def test_another_process_in_the_folder_is_named_until_it_ends(
    place: Path, straight: dict[str, torch.Tensor], tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    """It is so by the system's lock, whatever else is known of it; a process that was killed leaves none."""
    first = train(place, partial(stopped_in_step, 20))
    words = (
        rf"run is in use: process {first.pid} on {host_name()} since [-0-9: ]+ UTC writes there\. Wait for it, end it"
    )
    try:
        first.wait_for(lambda: is_stopped(first))
        before = {path: path.read_bytes() for path in (place / "run").iterdir()}
        said = train(place).wait()
        assert said.returncode == 1
        assert re.fullmatch(rf"error: {words}, or choose another folder with --out\n", said.stderr)
        job = resnetzoo.Job(small_network(seed=0), tiny_recipe, out=place / "run")
        with pytest.raises(resnetzoo.errors.OutputError, match=words):
            resnetzoo.fit_many([job], tiny_data, device="cpu", progress=False)
        assert {path: path.read_bytes() for path in (place / "run").iterdir()} == before
    finally:
        first.kill()
    first.wait()
    assert train(place).wait().returncode == 0
    resumed = weights(place)
    assert all(torch.equal(resumed[key], straight[key]) for key in straight)
    assert not list((place / "run").glob(".*"))


def is_stopped(process: Fork) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def limit_file_size(set_up: Callable[[], None]) -> None:
    """Half of a checkpoint: a limit stands for the disk, since writing fails in the middle, as it does there."""
    set_up()
    half = Path("run/checkpoint.pt").stat().st_size // 2
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (half, half))


@at_once_and_behind
def test_a_full_disk_keeps_the_last_good_checkpoint(place: Path, set_up: Callable[[], None]) -> None:
    assert train(place, partial(killed_in_step, 30)).wait().returncode == -signal.SIGKILL
    before = (place / "run" / "checkpoint.pt").read_bytes()
    full = train(place, partial(limit_file_size, set_up)).wait()
    assert full.returncode == 1
    assert full.stderr.count("\n") == 1
    assert "error: cannot write run/checkpoint.pt" in full.stderr
    assert (place / "run" / "checkpoint.pt").read_bytes() == before
    assert sorted(path.name for path in (place / "run").iterdir()) == [
        "checkpoint.previous.pt",
        "checkpoint.pt",
        "log.jsonl",
    ]


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
def test_another_network_in_the_folder_is_refused_in_one_line(
    call: Call, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_SPECS", {**registry._SPECS, **SMALL})
    monkeypatch.chdir(place)
    words = list(TRAIN[1:])
    words[words.index("4")] = "1"
    assert call(cli.main, *words)[0] == 0
    shutil.copytree("run", "kept")
    words[words.index("plainnet8")] = "narrow8"
    assert_one_line(call(cli.main, *words), 1, "spec.family is 'plain' there, 'residual' here")
    for path in Path("kept").iterdir():
        assert path.read_bytes() == (Path("run") / path.name).read_bytes()
