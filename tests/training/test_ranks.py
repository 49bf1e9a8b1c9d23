"""Several processes on one run, as torchrun starts them: gloo on the CPU, held against one process."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import rank_runs
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import run_ranks

import resnetzoo
from resnetzoo import cli
from resnetzoo.training.distributed import DistributedContext, check_own_gpus, current_context, local_device
from resnetzoo.training.opening import make_loader
from resnetzoo.training.presets import SMOKE
from resnetzoo.training.strategies.base import StepState
from resnetzoo.training.strategies.choose import choose_strategy
from resnetzoo.utils.device import gpu_identity
from resnetzoo.utils.own_files import host_name
from resnetzoo.weights.checkpoint.training_state import read_checkpoint


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process, this one."""
    folder = tmp_path_factory.mktemp("alone")
    rank_runs.train(folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all runs of two processes. Those that resume are not those that were stopped."""
    folder = tmp_path_factory.mktemp("together")
    run_ranks(rank_runs.__file__, folder, "exchange", "straight", "stopped", "one gpu", "two gpus", "another device")
    shutil.copytree(folder / "stopped", folder / "stopped before")
    (folder / "refused").write_text("in the way")
    run_ranks(rank_runs.__file__, folder, "resumed", "finished", "early", "refused", "differ")
    run_ranks(rank_runs.__file__, folder, "theirs")
    return folder


def said(folder: Path, name: str) -> list[str]:
    """What each process said in a run."""
    return [(folder / f"{name}-{rank}.txt").read_text() for rank in (0, 1)]


def assert_same_run(folder: Path, alone: Path) -> None:
    """Weights and their average, running statistics, momentum and rows, to the rounding of sums in another order."""
    one, two = read_checkpoint(alone / "checkpoint.pt"), read_checkpoint(folder / "checkpoint.pt")
    assert one.networks.keys() == {"model", "model_ema"}
    for name, state in one.networks.items():
        for key, value in state.items():
            torch.testing.assert_close(two.networks[name][key], value, rtol=1e-3, atol=1e-4)
    for key, state in one.optimizer["state"].items():
        torch.testing.assert_close(
            two.optimizer["state"][key]["momentum_buffer"], state["momentum_buffer"], rtol=1e-2, atol=1e-3
        )
    for mine, theirs in zip(two.rows, one.rows, strict=True):
        for field in ("epoch", "step", "lr"):
            assert mine[field] == theirs[field]
        for field in ("train_loss", "test_loss"):
            assert mine[field] == pytest.approx(theirs[field], rel=1e-3)
        assert mine["train_error"] == pytest.approx(theirs["train_error"], abs=100 / 45 + 1e-9)


@pytest.mark.slow
def test_two_processes_do_what_one_does(together: Path, alone: Path) -> None:
    first, second = said(together, "straight")
    assert "2 processes share each batch" in first
    assert "warning: process 1 of 2 came with other weights than process 0: all of them begin with those" in first
    assert first.count("epoch   1/2") == 1
    assert first.endswith("shared, 2 processes\n")
    assert second == "shared, 2 processes\n"  # one of them reports
    assert_same_run(together / "straight", alone)
    assert len((together / "straight" / "log.jsonl").read_text().splitlines()) == 2
    assert json.loads((together / "straight" / "run.json").read_text())["processes"] == 2
    kept, own = resnetzoo.load_logits(together / "straight"), resnetzoo.load_logits(alone)  # each checks its error
    torch.testing.assert_close(kept.logits, own.logits, rtol=1e-2, atol=1e-2)
    assert torch.equal(kept.labels, resnetzoo.synthetic(seed=1, train_images=45, test_images=21).test.labels)


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_and_nothing_is_lost(together: Path, alone: Path) -> None:
    for words in said(together, "stopped"):
        assert words.count("stopped after step 2 of 6: saved in") == 1
    assert read_checkpoint(together / "stopped before" / "checkpoint.pt").step == 2
    for words in said(together, "resumed"):
        assert words.endswith("shared, 2 processes\n")
    assert_same_run(together / "stopped", alone)


@pytest.mark.slow
def test_a_callback_of_one_process_ends_the_run_of_all(together: Path) -> None:
    for words in said(together, "early"):
        assert words.endswith("shared, 2 processes\n")
    assert read_checkpoint(together / "early" / "checkpoint.pt").step == 3


@pytest.mark.slow
def test_a_failure_of_the_writing_process_is_raised_in_all(together: Path) -> None:
    for words in said(together, "refused"):
        assert words.count("cannot write") == 1


@pytest.mark.slow
def test_only_the_first_process_needs_the_folder(together: Path) -> None:
    """The runs that were stopped, resumed and read again had no folder in common, and what they said was done."""
    first, second = said(together, "stopped")
    assert "saved in stopped; the same call continues from there" in first
    where = f"saved in {together.resolve() / 'stopped'} on {host_name()}, by the first process; the same call continues"
    assert where in second
    assert not (together / "another machine").exists()
    record = (together / "stopped" / "run.json").read_text()
    assert json.loads(record)["processes"] == 2
    for words in said(together, "finished"):
        assert words.endswith("shared, 2 processes\n")
    assert "epoch" not in said(together, "finished")[0]


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE in the environment is 'two'"),
        ({"WORLD_SIZE": 5_000 * "9"}, "WORLD_SIZE in the environment is '9{79}[.]{3}, which is not"),
        ({"WORLD_SIZE": "2"}, "RANK, MASTER_ADDR, MASTER_PORT are missing"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "localhost"}, "but MASTER_PORT is missing"),
        ({"WORLD_SIZE": "2", "RANK": "x", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}, "RANK in the environment"),
        ({"WORLD_SIZE": "2", "RANK": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}, "is 2, but WORLD_SIZE is 2"),
    ],
)
def test_half_an_environment_is_said_to_be_one(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], found: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(resnetzoo.UsageError, match=rf"{found}.*: start the command with torchrun, or unset WORLD_SIZE"):
        current_context(torch.device("cpu"))


def test_what_is_left_of_an_environment_silences_no_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(sys, "argv", ["resnetzoo", "list", "plainnet20"])
    for processes in ("", "1", "2"):
        monkeypatch.setenv("WORLD_SIZE", processes)
        assert cli.main() == 0
        assert "plainnet20" in capsys.readouterr().out
    for name, value in (("MASTER_ADDR", "localhost"), ("MASTER_PORT", "29500")):
        monkeypatch.setenv(name, value)
    assert cli.main() == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        "only the first process prints, and according to its environment this is another one: RANK=1 WORLD_SIZE=2 "
        "MASTER_ADDR=localhost MASTER_PORT=29500\n",
    )
    monkeypatch.delenv("WORLD_SIZE")
    assert current_context(torch.device("cpu")).is_main
    assert local_device(torch.device("cuda")) == torch.device("cuda")


@pytest.mark.parametrize("difference", rank_runs.DIFFERING)
@pytest.mark.slow
def test_processes_of_different_runs_do_not_begin(together: Path, difference: str) -> None:
    place, (_, expected) = list(rank_runs.DIFFERING).index(difference), rank_runs.DIFFERING[difference]
    for words in said(together, "differ"):
        lines = words.splitlines()
        assert len(lines) == len(rank_runs.DIFFERING)
        assert expected in lines[place]


@pytest.mark.slow
def test_processes_hear_of_each_other_before_there_is_a_group(together: Path) -> None:
    assert said(together, "exchange") == ["['GPU-5', None]\n"] * 2


@pytest.mark.parametrize("name", ["one gpu", "theirs"])
@pytest.mark.slow
def test_processes_with_one_gpu_between_them_do_not_begin(together: Path, name: str) -> None:
    """Whoever has made the group, and whatever the environment says."""
    for words in said(together, name):
        assert words.startswith(
            "each process needs its own GPU, but processes 0 and 1 of 2 have the same one (GPU-0): start one per "
            'GPU with torchrun --nproc-per-node=gpu and the device "cuda", or give each its own "cuda:N"\n'
        )
    assert not (together / "one gpu").exists()
    assert not (together / "theirs, one gpu").exists()


@pytest.mark.parametrize("name", ["two gpus", "theirs"])
@pytest.mark.slow
def test_processes_train_in_a_group_of_the_callers_or_with_a_control_group(
    together: Path, alone: Path, name: str
) -> None:
    for words in said(together, name):
        assert words.endswith("shared, 2 processes\n")
    assert_same_run(together / name, alone)


@pytest.mark.slow
def test_a_group_that_does_not_work_on_the_device_is_refused(together: Path) -> None:
    for words in said(together, "another device"):
        assert words == (
            "the processes' group works on cuda, and the run is on cpu: choose another device, or make the group by "
            'torch.distributed.init_process_group("gloo")\n'
        )


def test_each_process_needs_a_gpu() -> None:
    check_own_gpus(["GPU-0", "GPU-1", "GPU-2"])
    for gpus, found in (
        (["GPU-0", None], "process 1 of 2 has none"),
        (["GPU-0", "GPU-1", "GPU-1"], "processes 1 and 2 of 3 have the same one"),
    ):
        with pytest.raises(
            resnetzoo.UsageError, match=rf"{found}.*: start one per GPU with torchrun --nproc-per-node=gpu"
        ):
            check_own_gpus(gpus)


@pytest.mark.cuda
def test_a_gpu_is_told_from_others() -> None:
    assert gpu_identity(torch.device("cuda")) == gpu_identity(torch.device("cuda", torch.cuda.current_device()))
    gpus = [gpu_identity(torch.device("cuda", index)) for index in range(torch.cuda.device_count())]
    assert len({*gpus}) == len(gpus)
    assert None not in gpus
    assert gpu_identity(torch.device("cuda", len(gpus))) is None


def test_what_processes_cannot_share_is_refused() -> None:
    model, pair = resnetzoo.plainnet(8), DistributedContext(0, 2)
    data = resnetzoo.synthetic(train_images=65, test_images=1)
    state = StepState.create(model, SMOKE, make_loader(data, SMOKE, torch.device("cpu")), torch.channels_last)
    with pytest.raises(resnetzoo.UsageError, match="smallest batch of 65 images in batches of 64 has 1"):
        choose_strategy(model, SMOKE, state, "fp32", compile=None, record=None, context=pair)
    with pytest.raises(resnetzoo.UsageError, match=r"2 processes share the run, .* leave compile=True out"):
        choose_strategy(model, SMOKE, state, "fp32", compile=True, record=None, context=pair)


@settings(max_examples=60)
@given(begin=st.integers(0, 1_000), length=st.integers(0, 300), count=st.integers(1, 9))
def test_shards_cover_a_range_once(begin: int, length: int, count: int) -> None:
    shards = [DistributedContext(rank, count).shard(slice(begin, begin + length)) for rank in range(count)]
    indices = [index for shard in shards for index in range(shard.start, shard.stop)]
    assert indices == list(range(begin, begin + length))
    sizes = [shard.stop - shard.start for shard in shards]
    assert max(sizes) - min(sizes) <= 1
