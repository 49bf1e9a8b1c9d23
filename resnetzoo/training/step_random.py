"""The random numbers of a step, such as those of dropout; a resumed run draws the same ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from resnetzoo.data.epoch_random import DROPOUT, seed_sequence
from resnetzoo.models.as_built import hook_on, hook_on_all
from resnetzoo.utils.random import drawing_from

_DRAWING = (nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)
_SHARES = ("p", "drop_rate", "dropout")  # what modules of torch and the zoo call the share that they drop


def may_draw(model: nn.Module) -> bool:
    """Whether a training step may draw random numbers, in a module that drops or in code that is not torch's or ours.

    Callbacks may change this from epoch to epoch.
    """
    return hook_on_all() is not None or any(_may_draw(module) for module in model.modules())


def _may_draw(module: nn.Module) -> bool:
    known = type(module).__module__.startswith(("torch.nn.", "resnetzoo.")) and "forward" not in vars(module)
    if not known or isinstance(module, _DRAWING) or hook_on(module):
        return True
    return any(getattr(module, share, 0) for share in _SHARES)


@contextmanager
def drawing_for_step(seed: int, step: int, rank: int, device: torch.device) -> Iterator[None]:
    """A block in which torch draws the random numbers of one step of a run; afterwards its generators are restored.

    Args:
        seed: seed of the run.
        step: number of the step, from 0.
        rank: rank of the process, since each process has its own images.
        device: where the network is.
    """
    words = seed_sequence(seed, step, DROPOUT, rank).generate_state(1, np.uint64)
    with drawing_from(int(words[0] >> np.uint64(1)), device):
        yield
