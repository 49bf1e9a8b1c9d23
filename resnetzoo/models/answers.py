"""What a network answers to a batch: logits, or something that gives neither a loss nor an error."""

import torch
from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.utils.text import kind_of


def checked_logits_of(model: nn.Module, answer: object, images: int, num_classes: int) -> Tensor:
    """What a network returned for so many images, if it is logits (N, classes), of any number of classes.

    Only the kind, the type and the shape are looked at, so that nothing waits for a device.

    Raises:
        UsageError: it is no tensor, has another shape, or no real numbers; `num_classes` tells what it should be.
    """
    name = f"{'in training mode ' if model.training else ''}this {type(model).__name__}"
    if not isinstance(answer, Tensor):
        raise UsageError(
            f"{name} returns {kind_of(answer)}, not a tensor of logits (N, {num_classes}): wrap it in a module whose "
            "forward returns the logits alone"
        )
    if answer.ndim != 2 or len(answer) != images or answer.is_complex() or answer.dtype == torch.bool:
        raise UsageError(
            f"{name} returns {answer.dtype} of {list(answer.shape)}, not logits of [{images}, {num_classes}] for a "
            f"batch of {images:,}"
        )
    return answer
