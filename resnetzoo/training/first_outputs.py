"""Check what a network from elsewhere returns for a batch, before its run writes anything."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from resnetzoo.data.pair import Data
from resnetzoo.errors import ResnetzooError, UsageError
from resnetzoo.models.answers import checked_logits_of
from resnetzoo.models.as_built import hook_on_all, hooks_on_outputs
from resnetzoo.training.step_random import drawing_for_step
from resnetzoo.utils.device import Precision, autocast
from resnetzoo.utils.layout import in_accepted_layout
from resnetzoo.utils.memory import is_out_of_memory
from resnetzoo.utils.modules import copy_of, in_mode
from resnetzoo.utils.text import first_line


def check_first_outputs(
    model: nn.Module,
    data: Data,
    device: torch.device,
    layout: torch.memory_format,
    *,
    batch_size: int,
    precision: Precision,
) -> torch.memory_format:
    """Refuse a network that does not accept a batch of the data, or that does not return logits (N, classes).

    A copy of the network runs on a batch of zeros as in a step, in training mode and with gradients enabled, so that
    the norms and counters of the network itself do not change. A network that cannot be copied, or that has hooks,
    which the copy would share, is not checked; its faults appear in the first step.

    Args:
        model: the network, already on `device`.
        data: determines the size of the images and the number of classes.
        device: where the run trains.
        layout: memory format of `model`, and of its images if it accepts that.
        batch_size: number of images that this process has of a batch.
        precision: precision of the steps.

    Returns:
        The memory format in which the network can be trained: `layout`, or contiguous if it does not accept that.

    Raises:
        UsageError: the network fails or returns something else; the message says what it should return.
    """
    if hooks_on_outputs(model) or hook_on_all():
        return layout
    try:
        asked = in_mode(copy_of(model), training=True)
    except Exception:  # a module may refuse to be copied with any exception
        return layout
    name, num_classes = type(model).__name__, len(data.classes)
    images = torch.zeros(batch_size, *data.train.images.shape[1:], dtype=torch.float32, device=device)

    def ask(layout: torch.memory_format) -> object:
        asked.to(memory_format=layout)
        return asked(images.contiguous(memory_format=layout))

    try:
        with _without_draws(device), autocast(device, precision):
            outputs, layout = in_accepted_layout(ask, layout)
    except ResnetzooError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise UsageError(
            f"this {name} cannot take a batch of images of {list(images.shape)}: {type(error).__name__}: "
            f"{first_line(error)}"
        ) from error
    _check_logits(checked_logits_of(asked, outputs, batch_size, num_classes), name, data)
    return layout


def _check_logits(logits: Tensor, name: str, data: Data) -> None:
    if not logits.is_floating_point():
        raise UsageError(f"this {name} returns logits of {logits.dtype}, which have no gradient: return them as float")
    if logits.shape[1] < len(data.classes):
        raise UsageError(
            f"this {name} returns {logits.shape[1]} logits for each image, but {data.title} has {len(data.classes)} "
            "classes"
        )
    if not logits.requires_grad:
        raise UsageError(
            f"the logits of this {name} depend on no weight that learns: call requires_grad_(True) on weights that its "
            "forward pass uses, and leave detach() and torch.no_grad() out of it"
        )


@contextmanager
def _without_draws(device: torch.device) -> Iterator[None]:
    """A block after which the random numbers of Python, numpy and torch continue as if none had been drawn in it."""
    of_python, of_numpy = random.getstate(), np.random.get_state()
    try:
        with drawing_for_step(0, 0, 0, device):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
