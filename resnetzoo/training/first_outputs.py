"""What a network from elsewhere answers to two images, before anything of its run is written."""

import torch
from torch import Tensor, nn

from resnetzoo.data.pair import Data
from resnetzoo.errors import ResnetzooError, UsageError
from resnetzoo.utils.memory import is_out_of_memory
from resnetzoo.utils.modules import copy_of
from resnetzoo.utils.text import first_line, kind_of


@torch.no_grad()
def check_first_outputs(model: nn.Module, data: Data, device: torch.device) -> None:
    """Refuse a network that cannot take the training images, or that does not answer with logits (N, classes).

    A copy of it is asked, in training mode, so that norms and counters of the network stay as they are. One that cannot
    be copied shows its faults in the first step.

    Args:
        model: on `device`.
        data: tells the size of the images and the number of classes.
        device: where the run trains.

    Raises:
        UsageError: says what the network answers, and what it should.
    """
    try:
        asked = copy_of(model).train()
    except Exception:  # a module may refuse to be copied with any exception
        return
    images = torch.zeros(2, *data.train.images.shape[1:], device=device)
    name, size, num_classes = type(model).__name__, list(images.shape), len(data.classes)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            outputs: object = asked(images)
        except ResnetzooError:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise UsageError(
                f"this {name} cannot take images of {size}: {type(error).__name__}: {first_line(error)}"
            ) from error
    if not isinstance(outputs, Tensor):
        raise UsageError(
            f"in training mode this {name} returns {kind_of(outputs)}, not a tensor of logits (N, {num_classes}): wrap "
            "it in a module whose forward returns the logits alone"
        )
    if outputs.ndim != 2 or len(outputs) != len(images) or not outputs.is_floating_point():
        raise UsageError(
            f"for images of {size} this {name} returns {outputs.dtype} of {list(outputs.shape)}, not float logits of "
            f"[{len(images)}, {num_classes}]"
        )
    if outputs.shape[1] < num_classes:
        raise UsageError(
            f"this {name} returns {outputs.shape[1]} logits for each image, but {data.title} has {num_classes} classes"
        )
