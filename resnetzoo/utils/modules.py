"""Networks as modules: training or evaluation, copies, devices, types."""

import copy
import pickle
import re
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
# Of pruning, the older weight norm and spectral norm, and parametrizations.
_COMPUTED = re.compile(r"(weight|bias)_(orig|g|v)$|(^|\.)parametrizations\.")
REMOVE_WHAT_COMPUTES = (
    "remove what computes weights with torch.nn.utils.prune.remove, parametrize.remove_parametrizations, "
    "remove_weight_norm or remove_spectral_norm, which keep its values"
)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """A block with `model` in evaluation mode; afterwards each layer returns to its earlier mode."""
    was_training = {module: module.training for module in model.modules()}
    with suppress(NotImplementedError):  # a program of torch.export stays in the mode in which it was exported
        model.eval()
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            model.train(was_training[model])  # a model may do more here than set the mode
        for module, mode in was_training.items():
            module.training = mode


def in_mode(model: Model, *, training: bool) -> Model:
    """`model`, after its `train(training)`, which does not return the model in every network from elsewhere."""
    model.train(training)
    return model


def copy_of(model: Model, shared: Iterable[Tensor] = ()) -> Model:
    """A deep copy of `model`, except for the tensors in `shared`, which both use."""
    memo: dict[int, Any] = {id(tensor): tensor for tensor in shared}
    return copy.deepcopy(model, memo | copies_of_computed(model))


def copies_of_computed(model: nn.Module) -> dict[int, Tensor]:
    """Copies of the tensors that modules keep after computing them from their parameters, by the `id` of each.

    Pruned modules and those with the older weight norm or spectral norm have such tensors. They are copied as values
    without autograd history, which torch refuses to copy; the copy's forward pass computes them again.
    """
    kept = (value for module in model.modules() for value in vars(module).values())
    return {id(value): value.detach().clone() for value in kept if isinstance(value, Tensor) and not value.is_leaf}


def computed_weight(names: Iterable[str]) -> str | None:
    """The first name in a state dict of what weights are computed from; None if all of them are plain."""
    return next((name for name in names if _COMPUTED.search(name)), None)


def check_picklable(model: nn.Module) -> None:
    """Refuse parts of a network that torch creates and pickle cannot store, and say what to do instead.

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
    """`model`, a copy in evaluation mode, after replacing computed weights by their values.

    Computed weights come from parametrizations, pruning, and the older weight norm and spectral norm.
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


def with_plain_norms(model: Model) -> Model:
    """`model`, a copy in evaluation mode, after turning what `convert_sync_batchnorm` made back into batch norms.

    They compute the same there, but TorchScript refuses the others.
    """
    for module in model.modules():
        if type(module) is nn.SyncBatchNorm:
            module.__class__ = nn.BatchNorm2d  # type: ignore[assignment]  # in place, with its hooks
            del module.process_group
    return model


def _remove_parametrizations(module: nn.Module) -> None:
    """Remove parametrizations, but not by torch's function, which changes the class that copy and original share."""
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
    """The device of its parameters, or else of its buffers; the CPU if it has neither, such as a frozen script."""
    tensors = chain(model.parameters(), model.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def lacks_values(model: nn.Module) -> bool:
    """Whether some of its parameters or buffers are on the meta device, where tensors have shapes but no values."""
    return any(tensor.is_meta for tensor in chain(model.parameters(), model.buffers()))


def check_values(model: nn.Module) -> None:
    """Refuse a network that is on the meta device, before anything is computed with it or written from it.

    Raises:
        UsageError: it is; the message says how to give it values.
    """
    if lacks_values(model):
        raise UsageError(
            'the network is on the device "meta", so its weights have no values: create it on another device, such as '
            '"cpu", or fill it there with model.to_empty(device="cpu") and model.load_state_dict(...)'
        )


def not_finite_parameters(model: nn.Module) -> list[str]:
    """The names of its parameters that hold infinite values or NaN."""
    return [name for name, weight in model.named_parameters() if not bool(weight.detach().isfinite().all())]


def input_dtype(model: nn.Module) -> torch.dtype:
    """The type of the images that `model` accepts: that of its first floating-point weights, or fp32 if it has none."""
    return next((weight.dtype for weight in model.parameters() if weight.is_floating_point()), torch.float32)
