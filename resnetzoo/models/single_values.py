"""Find batch norms to which one image gives a single value per channel: in training, torch refuses to normalize it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from resnetzoo.errors import ResnetzooError
from resnetzoo.utils.memory import is_out_of_memory
from resnetzoo.utils.modules import evaluating


@torch.no_grad()
def norm_of_single_values(model: nn.Module, image: Tensor) -> str | None:
    """The first batch norm that gets a single value per channel from one image (1, C, H, W); None if all get more."""
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
                model(image)
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None


@contextmanager
def _own_errors_left() -> Iterator[None]:
    """A block that ends at an error of a network from elsewhere, about which its first training step says more."""
    try:
        yield
    except ResnetzooError:
        raise
    except Exception as error:  # a network may raise any exception
        if is_out_of_memory(error):
            raise
