"""What test_ranks runs by torchrun: the runs named on the command line, one after the other, in the folder it is in."""

import gc
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

import resnetzoo
from resnetzoo.training import distributed, same_run
from resnetzoo.training.callbacks import checkpointing
from resnetzoo.training.run_folder import read_latest
from resnetzoo.weights.checkpoint.training_state import Checkpoint

RANK = int(os.environ.get("RANK", "0"))


class StopsEarly(resnetzoo.Callback):
    """Ends the run after its first step, in the second process alone."""

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if RANK == 1:
            trainer.request_stop()


SIX = resnetzoo.Recipe(
    "SIX", 6, None, 0.05, resnetzoo.recipes.StepDecay((3, 5)), batch_size=18, clip_norm=1.0, ema_decay=0.5
)
SIZES = {"train_images": 45, "test_images": 21}
SPEC = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))


def train(
    out: Path,
    *,
    signal_at: int | None = None,
    callbacks: tuple[resnetzoo.Callback, ...] = (),
) -> None:
    """Batches of 18 and, at an epoch's end, of 9: two processes take 9 and 9, then 5 and 4.

    Args:
        out: the run's folder.
        signal_at: the step, from 1, at which SIGTERM reaches the second process.
        callbacks: of the run.
    """
    data = resnetzoo.synthetic(seed=1, **SIZES)
    recipe, model = SIX, resnetzoo.CifarNet(SPEC)
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
    warnings.filterwarnings("ignore", "the network has a hook")
    warnings.showwarning = lambda message, *_: print(f"warning: {message}")
    try:
        run = resnetzoo.fit(
            model, data, recipe, seed=2, device="cpu", precision="fp32", out=out, callbacks=list(callbacks)
        )
        print(f"{run.execution}, {run.processes} processes")
    except resnetzoo.ResnetzooError as error:
        print(error)


def plain_network() -> resnetzoo.CifarNet:
    return resnetzoo.CifarNet(resnetzoo.ModelSpec("plain", 8, widths=(4, 8, 16)))


def frozen_network() -> resnetzoo.CifarNet:
    model = resnetzoo.CifarNet(SPEC)
    model.conv1.requires_grad_(False)
    return model


def renamed(data: resnetzoo.Data) -> resnetzoo.Data:
    names = (*data.classes[1:], data.classes[0])
    return replace(data, train=replace(data.train, classes=names), test=replace(data.test, classes=names))


# What the second process has in place of the first one's, and what both say of it.
DIFFERING: dict[str, tuple[dict[str, Any], str]] = {
    "images": ({"data": lambda: resnetzoo.synthetic(seed=2, **SIZES)}, "data.fingerprint is '"),
    "sizes": (
        {"data": lambda: resnetzoo.synthetic(seed=1, train_images=64, test_images=21)},
        "data.train_images is 45",
    ),
    "part": (
        {"data": lambda: resnetzoo.synthetic(seed=1, **SIZES).first(40)},
        "data.part is '' in process 0, 'first 40",
    ),
    "classes": ({"data": lambda: renamed(resnetzoo.synthetic(seed=1, **SIZES))}, "data.classes is ["),
    "recipe": ({"recipe": replace(SIX, lr=0.5)}, "recipe.lr is 0.05 in process 0, 0.5 in process 1"),
    "seed": ({"seed": 3}, "seed is 2 in process 0, 3 in process 1"),
    "family": ({"model": plain_network}, "network.family is 'residual' in process 0, 'plain' in process 1"),
    "frozen": (
        {"model": frozen_network},
        "network.conv1.weight is '[4, 3, 3, 3]' in process 0, '[4, 3, 3, 3], frozen'",
    ),
    "precision": ({"precision": "bf16"}, "precision is 'fp32' in process 0, 'bf16' in process 1"),
    "compile": ({"compile": True}, "compile is None in process 0, True in process 1"),
    "no folder": ({"out": None}, "out is 'a folder' in process 0, None in process 1"),
    "saved more often": ({"checkpoint_every": 1}, "checkpoint_every is None in process 0, 1 in process 1"),
    "mistake": ({"seed": -1}, "seed must be a whole number from 0"),
    "torch": ({"torch": "2.5"}, f"torch is '{torch.__version__}' in process 0, '2.5' in process 1"),
    "code": ({"code": "0" * 64}, "' in process 0, '000000000000' in process 1"),
}


def differ() -> None:
    """A line for each way in which two processes can differ."""
    for changes, _ in DIFFERING.values():
        own = {**changes} if RANK == 1 else {}
        asked = same_run.code_digest, torch.__version__
        if "code" in own:
            same_run.code_digest = partial(str, own.pop("code"))
        torch.__version__ = own.pop("torch", torch.__version__)
        arguments: dict[str, Any] = {"seed": 2, "precision": "fp32", "out": Path("differing"), **own}
        data = arguments.pop("data", lambda: resnetzoo.synthetic(seed=1, **SIZES))()
        recipe, model = arguments.pop("recipe", SIX), arguments.pop("model", lambda: resnetzoo.CifarNet(SPEC))()
        try:
            resnetzoo.fit(model, data, recipe, device="cpu", progress=False, **arguments)
        except resnetzoo.ResnetzooError as error:
            print(error)
        same_run.code_digest, torch.__version__ = asked


def own_machine(out: str) -> Path:
    """A folder that the processes do not share."""
    return Path(out) if RANK == 0 else Path("another machine", out)


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
    "differ": differ,
    "exchange": exchange,
    "one gpu": lambda: train_on("one gpu", ["GPU-0", "GPU-0"], cpu="nccl"),
    "two gpus": lambda: train_on("two gpus", ["GPU-0", "GPU-1"], cpu="nccl"),
    "another device": lambda: train_on("another device", ["GPU-0", "GPU-1"], cuda="nccl"),
    "theirs": lambda: train_in_their_group(Path("theirs")),
    "straight": lambda: train_late(Path("straight")),
    "stopped": lambda: train(own_machine("stopped"), signal_at=2),
    "resumed": lambda: train(own_machine("stopped")),
    "finished": lambda: train(own_machine("stopped")),
    "early": lambda: train(Path("early"), callbacks=(StopsEarly(),)),
    "refused": lambda: train(Path("refused")),
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:]:
        with Path(f"{name}-{RANK}.txt").open("w") as file, redirect_stdout(file):
            RUNS[name]()
