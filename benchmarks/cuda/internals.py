"""The one file here that reaches into the package: single steps, steps that are not recorded, runs in a rolling pool.

No public function stops between two steps of several runs, and no option of `resnetzoo reproduce` or of an example
switches the recording off, and both are what is to be measured. Everything else here is made of public names.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch
from evidence import Setting

import resnetzoo
from resnetzoo.bench.dataloader_baseline import TransformedImages as TransformedImages
from resnetzoo.data.device_loader import DeviceLoader as DeviceLoader
from resnetzoo.training.callbacks.checkpointing import Checkpointing
from resnetzoo.training.callbacks.signals import StopRequest as StopRequest
from resnetzoo.training.callbacks.signals import catch_signals as catch_signals
from resnetzoo.training.callbacks.standard import standard_callbacks
from resnetzoo.training.opening import make_loader as make_loader
from resnetzoo.training.opening import open_trainer as open_trainer
from resnetzoo.training.strategies import base
from resnetzoo.training.stream import DeviceEvent as DeviceEvent
from resnetzoo.training.trainer import Trainer as Trainer


def network(name: str, seed: int, setting: Setting) -> resnetzoo.CifarNet:
    """A fresh network of the zoo; of a tiny setting, a small one of the same kind."""
    if not setting.tiny:
        return resnetzoo.create(name, seed=seed)
    torch.manual_seed(seed)
    return resnetzoo.CifarNet(replace(resnetzoo.get_spec(name), depth=8, widths=(4, 8, 16)))


@contextmanager
def eagerly(wanted: bool = True) -> Iterator[None]:
    """Runs that are opened inside the block are not recorded, on CUDA either."""
    if not wanted:
        yield
        return
    with mock.patch.object(base, "recorder_for", return_value=None):
        yield


class Stepper:
    """Single steps of a run, without epochs: whole batches round and round, at a small rate."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.batch_size = trainer.recipe.batch_size
        self.batches = len(trainer.data.train) // self.batch_size
        self.done = 0
        trainer.model.train()
        with trainer.step_state.stream.active():
            trainer.strategy.begin_epoch(trainer.step_state.loader.augmentation(seed=0, epoch=0))

    def __call__(self) -> None:
        first = self.done % self.batches * self.batch_size
        self.done += 1
        with self.trainer.step_state.stream.active():
            self.trainer.strategy(slice(first, first + self.batch_size), 1e-3)


class SeldomCheckpointing(Checkpointing):
    """Saves behind every so many epochs instead of each one, at the end and where the run is interrupted.

    Args:
        folder: the run's.
        epochs: between two saved states.
    """

    def __init__(self, folder: Path, epochs: int) -> None:
        super().__init__(folder)
        self.epochs = epochs

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        if trainer.finished or trainer.interrupted_by or row.epoch % self.epochs == 0:
            super().on_epoch_end(trainer, row)


def callbacks_of(stop: StopRequest, out: Path, save_every: int) -> Sequence[resnetzoo.Callback]:
    """What `fit` does beside training, its state saved every so many epochs."""
    return [
        SeldomCheckpointing(out, save_every) if isinstance(callback, Checkpointing) else callback
        for callback in standard_callbacks(stop, out=out)
    ]
