"""Batches too small for batch norm, which needs more than one value per channel; torch would fail during the run."""

import torch
from torch import nn

from resnetzoo.data.image_set import ImageSet
from resnetzoo.errors import UsageError
from resnetzoo.models.single_values import norm_of_single_values
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.schedules import steps_per_epoch
from resnetzoo.utils.modules import device_of, input_dtype
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
    image = torch.zeros_like(train.images[:1], dtype=input_dtype(model), device=device_of(model))
    name = norm_of_single_values(model, image)
    if name is not None:
        fitting = (other for step in range(1, max(count, size)) for other in (size + step, size - step))
        other = next((batch for batch in fitting if batch > 1 and count % batch != 1), None)
        cure = "more images" if other is None or count == 1 else f"another batch_size, such as {other},"
        raise UsageError(
            f"batches of {size} from {counted(count, 'training image')} include one of a single image, of which "
            f"{name}, a batch norm, sees a single value per channel and can learn nothing: use {cure} or larger images"
        )
