"""Batches too small for batch norm, which needs more than one value per channel; torch would fail during the run."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from resnetzoo.data.image_set import ImageSet
from resnetzoo.errors import ResnetzooError, UsageError
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.schedules import steps_per_epoch
from resnetzoo.utils.memory import is_out_of_memory
from resnetzoo.utils.modules import device_of, evaluating, input_dtype
from resnetzoo.utils.text import counted


def check_smallest_batch(model: nn.Module, train: ImageSet, recipe: Recipe) -> None:
    """Refuse batches of one image if a batch norm would see a single value per channel.

    Raises:
        UsageError: a batch norm would; the message names it and suggests another batch size.
    """
    count, size = len(train), recipe.batch_size
    reached = recipe.steps >= steps_per_epoch(count, size)
    if (count % size or size) > 1 or not (reached or size == 1):
        return
    name = norm_of_single_values(model, train)
    if name is not None:
        fitting = (other for step in range(1, max(count, size)) for other in (size + step, size - step))
        other = next((batch for batch in fitting if batch > 1 and count % batch != 1), None)
        cure = "more images" if other is None or count == 1 else f"another batch_size, such as {other},"
        raise UsageError(
            f"batches of {size} from {counted(count, 'training image')} include one of a single image, of which "
            f"{name}, a batch norm, sees a single value per channel and can learn nothing: use {cure} or larger images"
        )


@torch.no_grad()
def norm_of_single_values(model: nn.Module, images: ImageSet) -> str | None:
    """The first batch norm that gets a single value per channel from one image; None if all get more."""
    found: list[str] = []
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):

            def look(_: nn.Module, inputs: tuple[Tensor, ...], name: str = name) -> None:
                if inputs[0].numel() == inputs[0].shape[1]:
                    found.append(name)

            hooks.append(module.register_forward_pre_hook(look))
    try:
        if hooks:
            with evaluating(model), _own_errors_left():  # which changes nothing in the network
                model(torch.zeros_like(images.images[:1], dtype=input_dtype(model), device=device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None


@contextmanager
def _own_errors_left() -> Iterator[None]:
    """A block that ends at an error of a network from elsewhere, about which `check_first_outputs` says more."""
    try:
        yield
    except ResnetzooError:
        raise
    except Exception as error:  # a network may raise any exception
        if is_out_of_memory(error):
            raise
