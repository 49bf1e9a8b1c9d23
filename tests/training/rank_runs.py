"""What test_ranks runs by torchrun: the runs named on the command line, one after the other, in the folder it is in."""

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import torch
import torch.distributed as dist

import resnetzoo
from resnetzoo.training import distributed
from resnetzoo.training.callbacks import checkpointing
from resnetzoo.training.run_folder import read_latest
from resnetzoo.weights.checkpoint.training_state import Checkpoint

RANK = int(os.environ.get("RANK", "0"))


class StopsEarly(resnetzoo.Callback):
    """Ends the run after its first step, in the second process alone."""

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if RANK == 1:
            trainer.request_stop()


def train(out: Path, *, signal_at: int | None = None, callbacks: tuple[resnetzoo.Callback, ...] = ()) -> None:
    """Batches of 18 and, at an epoch's end, of 9: two processes take 9 and 9, then 5 and 4.

    Args:
        out: the run's folder.
        signal_at: the step, from 1, at which SIGTERM reaches the second process.
        callbacks: of the run.
    """
    data = resnetzoo.synthetic(seed=1, train_images=45, test_images=21)
    recipe = resnetzoo.Recipe("SIX", 6, None, 0.05, resnetzoo.recipes.StepDecay((3, 5)), batch_size=18)
    model = resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)))
    torch.manual_seed(0)
    drawn = {key: torch.randn_like(value) * 0.1 for key, value in model.state_dict().items() if value.dim() > 1}
    if RANK == 0:  # the others start from the first one's weights
        model.load_state_dict(drawn, strict=False)
    steps = []

    def count(module: torch.nn.Module, _: object) -> None:
        steps.extend([1] * module.training)
        if module.training and len(steps) == signal_at and RANK == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    model.register_forward_pre_hook(count)
    try:
        run = resnetzoo.fit(
            model, data, recipe, seed=2, device="cpu", precision="fp32", out=out, callbacks=list(callbacks)
        )
        print(f"{run.execution}, {run.processes} processes")
    except resnetzoo.ResnetzooError as error:
        print(error)


def train_late(out: Path) -> None:
    """The second process looks into the folder when the first one could have written there long ago."""

    def read_late(folder: Path) -> Checkpoint | None:
        time.sleep(0.5 * RANK)
        return read_latest(folder)

    checkpointing.read_latest = read_late
    train(out)
    checkpointing.read_latest = read_latest


def exchange() -> None:
    """What the processes say to each other before there is a group."""
    store, rank, world_size = next(dist.rendezvous("env://"))
    print(distributed.exchange(store, rank, world_size, "GPU-5" if rank == 0 else None))


@contextmanager
def group_on(gpus: list[str], **backends: str) -> Iterator[None]:
    """Inside, the processes' group seems to work with these backends, and each process to have the GPU of its rank."""
    asked = distributed._backends, distributed.gpu_identity
    distributed._backends, distributed.gpu_identity = lambda: backends, lambda device: gpus[RANK]
    yield
    distributed._backends, distributed.gpu_identity = asked


def train_on(out: str, gpus: list[str], **backends: str) -> None:
    with group_on(gpus, **backends):
        train(Path(out))


def train_in_their_group(out: Path) -> None:
    """The caller makes the group and ends it; nothing says how many processes this machine has."""
    for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        del os.environ[name]
    dist.init_process_group("gloo")
    train_on("theirs, one gpu", ["GPU-0", "GPU-0"], cpu="nccl")
    train(out)
    gc.collect()
    dist.destroy_process_group()


RUNS = {
    "exchange": exchange,
    "one gpu": lambda: train_on("one gpu", ["GPU-0", "GPU-0"], cpu="nccl"),
    "two gpus": lambda: train_on("two gpus", ["GPU-0", "GPU-1"], cpu="nccl"),
    "another device": lambda: train_on("another device", ["GPU-0", "GPU-1"], cuda="nccl"),
    "theirs": lambda: train_in_their_group(Path("theirs")),
    "straight": lambda: train_late(Path("straight")),
    "stopped": lambda: train(Path("stopped"), signal_at=2),
    "resumed": lambda: train(Path("stopped")),
    "early": lambda: train(Path("early"), callbacks=(StopsEarly(),)),
    "elsewhere": lambda: train(Path("stopped") if RANK == 0 else Path("a folder of its own")),
    "refused": lambda: train(Path("refused")),
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:]:
        with Path(f"{name}-{RANK}.txt").open("w") as file, redirect_stdout(file):
            RUNS[name]()
