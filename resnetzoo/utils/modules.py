"""Training and evaluation: which of the two a network is in."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards each layer of `model` is in the mode in which it was."""
    was_training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        model.train(was_training[model])  # a model may do more here than to set the mode
        for module, mode in was_training.items():
            module.training = mode
