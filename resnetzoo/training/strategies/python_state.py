"""The Python state of a network besides its tensors, which a replayed step cannot change or read again."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

_PLAIN = (bool, int, float, str)
_CONTAINERS = (list, dict, set)
_MODULE_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
_TENSOR_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")


@dataclass(frozen=True, eq=False)
class PythonState:
    """The state of a network before or after a step.

    Attributes:
        hooks: the hooks that call Python code within a step, in words; None if there are none.
        random: the state of each random number generator on the host, by name.
        attributes: the attributes of the network's modules, by their paths: plain values, the lengths of lists, dicts
            and sets, and the identity and address of tensors.
        tensors: the tensors among the attributes, kept alive so that no new tensor gets the identity of one of them.
    """

    hooks: str | None
    random: Mapping[str, object]
    attributes: Mapping[str, object]
    tensors: tuple[Tensor, ...]

    @classmethod
    def of(cls, model: nn.Module) -> "PythonState":
        """The present state of `model` and of the host's random numbers; nothing waits for a device."""
        held = dict(_held(model))
        numpy_state = cast(tuple[Any, ...], np.random.get_state())  # a name, the words, and the position in them
        return cls(
            hooks=next(_hooks(model), None),
            random={
                "random": random.getstate(),
                "numpy.random": (numpy_state[1].tobytes(), *numpy_state[2:]),
                "torch's generator of the CPU": torch.get_rng_state().numpy().tobytes(),
            },
            attributes={path: _trace(value) for path, value in held.items()},
            tensors=tuple(value for value in held.values() if isinstance(value, Tensor)),
        )

    def change_until(self, later: "PythonState") -> str | None:
        """What a step between the two states has done that a replay would not do; None if there is nothing."""
        for source, state in self.random.items():
            if later.random[source] != state:
                return f"a step draws from {source}, and a replayed one would find the same numbers again"
        for path, trace in later.attributes.items():
            if self.attributes.get(path) != trace:
                return f"a step sets {path} anew, and a replayed one would not"
        return None


def _hooks(model: nn.Module) -> Iterator[str]:
    if any(getattr(nn.modules.module, f"_global{kind}", None) for kind in _MODULE_HOOKS):
        yield "hooks are registered for all modules, and a replayed step would not call them"
    for path, module in model.named_modules():
        if any(getattr(module, kind) for kind in _MODULE_HOOKS):
            yield f"{_name(model, path)} has hooks, and a replayed step would not call them"
    for path, parameter in model.named_parameters():
        if any(getattr(parameter, kind) for kind in _TENSOR_HOOKS):
            yield f"{_name(model, path)} has hooks, and a replayed step would not call them"


def _held(model: nn.Module) -> Iterator[tuple[str, object]]:
    """The attributes that a step could change, by path."""
    for path, module in model.named_modules():
        own = {**vars(module), **module._buffers, **module._parameters}
        for attribute, value in own.items():
            if isinstance(value, (*_PLAIN, *_CONTAINERS, Tensor)):
                yield _name(model, f"{path}.{attribute}".lstrip(".")), value


def _trace(value: object) -> object:
    """A value that shows whether an attribute has changed."""
    if isinstance(value, Tensor):
        # A tensor subclass or a sparse tensor may have no address of its own.
        usual = type(value) in (Tensor, nn.Parameter) and value.layout == torch.strided
        return id(value), value.data_ptr() if usual else None
    if isinstance(value, _CONTAINERS):
        return type(value), len(value)
    return type(value), repr(value)  # a NaN does not equal itself, but its repr does


def _name(model: nn.Module, path: str) -> str:
    return f"{type(model).__name__}.{path}".rstrip(".")
