"""Several processes on one run, as torchrun starts them: gloo on the CPU, held against one process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import environment

import resnetzoo
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.opening import make_loader
from resnetzoo.training.recipes import SMOKE
from resnetzoo.training.strategies.base import StepState
from resnetzoo.training.strategies.choose import choose_strategy
from resnetzoo.weights.checkpoint.training_state import read_checkpoint

# Batches of 18 and, at an epoch's end, of 9: two processes take 9 and 9, then 5 and 4.
SCRIPT = """
import os, signal, sys, torch, resnetzoo
torch.set_num_threads(1)
data = resnetzoo.synthetic(seed=1, train_images=45, test_images=21)
recipe = resnetzoo.Recipe("SIX", 6, None, 0.05, resnetzoo.recipes.StepDecay((3, 5)), batch_size=18)
model = resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)))
torch.manual_seed(0)
state = {key: torch.randn_like(value) * 0.1 if value.dim() > 1 else value for key, value in model.state_dict().items()}
if os.environ.get("RANK", "0") == "0":  # the others start from the first one's weights
    model.load_state_dict(state)
if stop := int(os.environ.get("STOP_AT", "0")):
    seen = []
    def count(module, _):
        seen.extend([1] * module.training)
        if module.training and len(seen) == stop and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGTERM)
    model.register_forward_pre_hook(count)
class Early(resnetzoo.Callback):
    def on_step_end(self, trainer):
        if os.environ.get("RANK") == os.environ.get("STOPS_EARLY", "none"):
            trainer.request_stop()
try:
    run = resnetzoo.fit(
        model, data, recipe, seed=2, device="cpu", precision="fp32", out=sys.argv[1], callbacks=[Early()]
    )
except resnetzoo.TrainingInterrupted as stopped:
    sys.stdout.write(f"{stopped}\\n")
    sys.exit(0)
# One write a line: both processes write to the same pipe, and pieces of their lines could mix.
errors = [row.test_error for row in run.epochs]
sys.stdout.write(f"rank {os.environ.get('RANK')} {run.execution} {run.processes} {errors}\\n")
"""


def run(folder: Path, processes: int, out: str, **variables: str) -> str:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    said = subprocess.run(
        [*start, str(script), str(folder / out)],
        capture_output=True,
        text=True,
        env=environment(OMP_NUM_THREADS="1", **variables),
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    run(folder, 1, "run")
    return folder / "run"


def assert_same_run(folder: Path, alone: Path) -> None:
    """Weights, running statistics, momentum and rows, to the rounding of sums in another order."""
    one, two = read_checkpoint(alone / "checkpoint.pt"), read_checkpoint(folder / "checkpoint.pt")
    for key, value in one.model.items():
        torch.testing.assert_close(two.model[key], value, rtol=1e-3, atol=1e-4)
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


def test_two_processes_do_what_one_does(tmp_path: Path, alone: Path) -> None:
    said = run(tmp_path, 2, "run")
    assert said.count("rank 0 shared 2 [") == said.count("rank 1 shared 2 [") == 1
    assert said.count("epoch   1/2") == 1  # one of them prints
    assert "2 processes share each batch" in said
    assert_same_run(tmp_path / "run", alone)
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 2
    assert json.loads((tmp_path / "run" / "run.json").read_text())["processes"] == 2


def test_a_signal_to_one_process_stops_all_and_nothing_is_lost(tmp_path: Path, alone: Path) -> None:
    said = run(tmp_path, 2, "run", STOP_AT="2")
    assert said.count("stopped after step 2 of 6: saved in") == 2
    assert read_checkpoint(tmp_path / "run" / "checkpoint.pt").step == 2
    run(tmp_path, 2, "run")
    assert_same_run(tmp_path / "run", alone)


def test_a_callback_of_one_process_ends_the_run_of_all(tmp_path: Path) -> None:
    said = run(tmp_path, 2, "run", STOPS_EARLY="1")
    assert said.count("rank 0 shared 2 [") == said.count("rank 1 shared 2 [") == 1
    assert read_checkpoint(tmp_path / "run" / "checkpoint.pt").step == 3


def test_a_failure_of_the_writing_process_is_raised_in_all(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    script = SCRIPT.replace("except resnetzoo.TrainingInterrupted", "except resnetzoo.ResnetzooError")
    (tmp_path / "script.py").write_text(script)
    said = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
            *(str(tmp_path / "script.py"), str(tmp_path / "run")),
        ],
        capture_output=True,
        text=True,
        env=environment(OMP_NUM_THREADS="1"),
        check=False,
    )
    assert said.stdout.count("cannot write") == 2, said.stderr


def test_what_processes_cannot_share_is_refused() -> None:
    model, pair = resnetzoo.plainnet(8), DistributedContext(0, 2)
    data = resnetzoo.synthetic(train_images=65, test_images=1)
    state = StepState.create(model, SMOKE, make_loader(data, SMOKE, torch.device("cpu")))
    with pytest.raises(resnetzoo.UsageError, match="smallest batch of 65 images in batches of 64 has 1"):
        choose_strategy(model, SMOKE, state, "fp32", compile=None, context=pair)
    with pytest.raises(resnetzoo.UsageError, match=r"2 processes share the run, .* leave compile=True out"):
        choose_strategy(model, SMOKE, state, "fp32", compile=True, context=pair)


@settings(max_examples=60)
@given(begin=st.integers(0, 1_000), length=st.integers(0, 300), count=st.integers(1, 9))
def test_shards_cover_a_range_once(begin: int, length: int, count: int) -> None:
    shards = [DistributedContext(rank, count).shard(slice(begin, begin + length)) for rank in range(count)]
    indices = [index for shard in shards for index in range(shard.start, shard.stop)]
    assert indices == list(range(begin, begin + length))
    sizes = [shard.stop - shard.start for shard in shards]
    assert max(sizes) - min(sizes) <= 1
