"""The one file here that reaches into the package: single steps, and commands whose steps are not recorded.

No public function takes single steps of several runs in turn, and no option of `resnetzoo reproduce` or of an example
switches the recording off. Everything else here is made of public names.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import torch
from evidence import Setting

import resnetzoo
from resnetzoo.data.device_loader import DeviceLoader as DeviceLoader
from resnetzoo.training.opening import open_trainer as open_trainer
from resnetzoo.training.strategies import base
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
