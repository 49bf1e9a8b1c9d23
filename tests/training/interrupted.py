"""Trainings of a second in processes of their own, and ways to end them early."""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from behind import write_behind
from processes import Fork
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

import resnetzoo

SMALL = {
    "plainnet8": resnetzoo.ModelSpec("plain", 8, widths=(4, 8, 16)),
    "narrow8": resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)),
}
# 200 images: 13 steps an epoch.
TRAIN = (
    *("resnetzoo", "train", "plainnet8", "--dataset", "cifar10", "--data-dir", "../data", "--recipe", "SMOKE"),
    *("--epochs", "4", "--batch-size", "16", "--precision", "fp32", "--device", "cpu", "--seed", "3", "--out", "run"),
)


def small_networks() -> None:
    """Before the command: networks that train in a second, and no word about data that are not CIFAR-10's."""
    warnings.simplefilter("ignore", resnetzoo.UnofficialDataWarning)
    for name, spec in SMALL.items():
        resnetzoo.register(name, spec)


def small_networks_behind() -> None:
    """The same, with files written by a thread as on CUDA."""
    small_networks()
    write_behind()


def killed_in_step(number: int, set_up: Callable[[], None] = small_networks) -> None:
    """Before the command: the system kills the process when its training step of this number, from 1, begins."""
    set_up()
    send_in_step(number, signal.SIGKILL)


def send_in_step(number: int, sent: signal.Signals) -> None:
    """Send this process a signal when its training step of this number, from 1, begins."""
    left = iter(range(number - 1))

    def count(module: nn.Module, _: object) -> None:
        if isinstance(module, resnetzoo.CifarNet) and module.training and next(left, None) is None:
            os.kill(os.getpid(), sent)

    register_module_forward_pre_hook(count)


def killed_in_write(number: int, set_up: Callable[[], None] = small_networks) -> None:
    """The same for its checkpoint of this number: the file is written, and not yet in its place."""
    set_up()
    left = iter(range(number - 1))

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and str(arguments[1]).endswith("checkpoint.pt") and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def train(place: Path, prepare: Callable[[], object] = small_networks, *words: str) -> Fork:
    return Fork(place, *TRAIN, *words, prepare=prepare)


def weights(place: Path) -> dict[str, torch.Tensor]:
    return resnetzoo.load_checkpoint(place / "run").state_dict()
