"""Networks as modules: training or evaluation, copies, devices, types."""

import copy
import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune, remove_spectral_norm, remove_weight_norm
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from resnetzoo.errors import UsageError

Model = TypeVar("Model", bound=nn.Module)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards each layer of `model` is in the mode in which it was."""
    was_training = {module: module.training for module in model.modules()}
    with suppress(NotImplementedError):  # a program of torch.export stays in the mode that it was exported in
        model.eval()
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            model.train(was_training[model])  # a model may do more here than to set the mode
        for module, mode in was_training.items():
            module.training = mode


def copy_of(model: Model, shared: Iterable[Tensor] = ()) -> Model:
    """A deep copy, but for the tensors in `shared`, which it has in common with `model`."""
    memo: dict[int, Any] = {id(tensor): tensor for tensor in shared}
    return copy.deepcopy(model, memo | copies_of_computed(model))


def copies_of_computed(model: nn.Module) -> dict[int, Tensor]:
    """By the `id` of each tensor that a module keeps and has computed of its parameters, what a copy has for it.

    Pruned modules have such tensors, and those of the older weight norm and spectral norm. They are copied as they are,
    without their history, which torch's own copies refuse; the copy's forward pass computes them again.
    """
    kept = (value for module in model.modules() for value in vars(module).values())
    return {id(value): value.detach().clone() for value in kept if isinstance(value, Tensor) and not value.is_leaf}


def check_picklable(model: nn.Module) -> None:
    """Refuse, with what to do, the parts of a network that torch makes and pickle does not take.

    Raises:
        UsageError: names the module.
    """
    for name, module in model.named_modules():
        where = name or "the network itself"
        if parametrize.is_parametrized(module):
            raise UsageError(
                f"a pickle holds no parametrized modules, and {where} is one: torch.nn.utils.parametrize."
                "remove_parametrizations leaves its values as plain weights; or save state_dict(), which holds all"
            )
        if getattr(module, "qconfig", None) is not None and not _can_be_pickled(module.qconfig):
            raise UsageError(
                f"a pickle does not hold how {where} is prepared for quantization, its qconfig: convert the network "
                "first, or save state_dict(), which holds what was observed"
            )


def _can_be_pickled(value: object) -> bool:
    try:
        pickle.dumps(value)
    except (AttributeError, TypeError, pickle.PicklingError):
        return False
    return True


def with_plain_weights(model: Model) -> Model:
    """`model` itself, a copy in evaluation mode, with the values of weights in the place of what computes them.

    That is parametrizations, pruning, and the older weight norm and spectral norm.
    """
    for module in list(model.modules()):
        if parametrize.is_parametrized(module):
            _remove_parametrizations(module)
        for hook in list(module._forward_pre_hooks.values()):
            if isinstance(hook, prune.BasePruningMethod):
                prune.remove(module, hook._tensor_name)  # type: ignore[no-untyped-call]
            elif isinstance(hook, WeightNorm):
                remove_weight_norm(module, hook.name)
            elif isinstance(hook, SpectralNorm):
                remove_spectral_norm(module, hook.name)
    return model


def _remove_parametrizations(module: nn.Module) -> None:
    """Not by torch's own function, which changes the class, and the module shares that with the one it is a copy of."""
    lists = dict(cast(nn.ModuleDict, module.parametrizations).items())
    values = {name: getattr(module, name).detach().clone() for name in lists}
    module.__class__ = parametrize.type_before_parametrizations(module)
    del module.parametrizations
    for name, value in values.items():
        if any(True for _ in lists[name].parameters(recurse=False)):
            module.register_parameter(name, nn.Parameter(value))
        else:
            module.register_buffer(name, value)


def device_of(model: nn.Module) -> torch.device:
    """Where its parameters are, or else its buffers; the CPU of one without either, such as a frozen script."""
    tensors = chain(model.parameters(), model.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def input_dtype(model: nn.Module) -> torch.dtype:
    """The type of the images that `model` takes: that of its first weights, fp32 where it has none of floats."""
    return next((weight.dtype for weight in model.parameters() if weight.is_floating_point()), torch.float32)
