"""A run's files written by a thread as on CUDA, with a CPU for the device: for tests in this and in other processes."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from resnetzoo.training import trainer_state
from resnetzoo.training.callbacks import checkpointing
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.run_files import FilesBehind, RunFiles
from resnetzoo.training.snapshots import HostSnapshots, Transfer
from resnetzoo.weights.checkpoint.training_state import Checkpoint

PATIENCE = 60  # seconds after which a test that waits for another thread has failed


class SlowTransfer(Transfer):
    """Copies that arrive when the test lets them; until then there are other values in the memory.

    Attributes:
        may_arrive: set it to let the copies arrive.
        started: how many pairs each `start` had.
        made: sizes of the memory that was asked for.
    """

    def __init__(self, *, arrives: bool = True) -> None:
        self.may_arrive = threading.Event()
        self.started: list[int] = []
        self.made: list[int] = []
        if arrives:
            self.may_arrive.set()

    def empty(self, size: int, dtype: torch.dtype) -> Tensor:
        self.made.append(size)
        return torch.empty(size, dtype=dtype)

    def start(self, copies: Sequence[tuple[Tensor, Tensor]]) -> Callable[[], None]:
        self.started.append(len(copies))
        on_device = [(source.clone(), target) for source, target in copies]
        for _, target in copies:
            target.fill_(99)

        def wait() -> None:
            assert self.may_arrive.wait(PATIENCE)
            for source, target in on_device:
                target.copy_(source)

        return wait


def files_behind(device: torch.device, context: DistributedContext) -> RunFiles:
    """What CUDA gets from `choose_run_files`."""
    return FilesBehind(HostSnapshots(SlowTransfer()))


def write_behind() -> None:
    """Before a command: its runs write as on CUDA."""
    trainer_state.choose_run_files = files_behind


class HeldWrites:
    """Checkpoints that are written when the test lets them, or not at all.

    Put it in place of `checkpointing.save_checkpoint`.

    Attributes:
        steps: of the checkpoints whose write has begun.
        may_write: cleared, it holds the next write; the first one, which `fit` waits for, finds it set.
        errors: by the step, what a write fails with.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.may_write = threading.Event()
        self.may_write.set()
        self.errors: dict[int, Exception] = {}
        self._save = checkpointing.save_checkpoint

    def __call__(self, checkpoint: Checkpoint, folder: Path) -> None:
        self.steps.append(checkpoint.step)
        assert self.may_write.wait(PATIENCE)
        if checkpoint.step in self.errors:
            raise self.errors[checkpoint.step]
        self._save(checkpoint, folder)
