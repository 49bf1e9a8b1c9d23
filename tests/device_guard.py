"""What a step that is to be recorded may not do, found without a device: on `meta`, which has shapes and no values."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from op_recorder import asks_for_a_value
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

META = torch.device("meta")
_FROM_THE_HOST = (torch.tensor, torch.as_tensor, torch.asarray, torch.from_numpy, Tensor.new_tensor)


class GuardError(AssertionError):
    """A step did what would wait for the device, or what a recording cannot hold."""


@contextmanager
def on_one_device() -> Iterator[None]:
    """No operation inside touches a tensor elsewhere, makes one of Python's values, or asks for a value.

    Each would be a copy between host and device, for which the host waits. What is written to which address, and what
    Python decides, is not seen here: the replay of a recorded run shows that.
    """
    with _NothingFromTheHost(), _MetaOnly():
        yield


class _MetaOnly(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if asks_for_a_value(func, args):
            raise GuardError(f"{func} asks for a value")
        out = func(*args, **kwargs)
        elsewhere = {leaf.device.type for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor)}
        if elsewhere - {"meta"}:
            raise GuardError(f"{func} touches {elsewhere}")
        return out


class _NothingFromTheHost(TorchFunctionMode):
    """These copy below the dispatcher, so only the calls can be seen."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _FROM_THE_HOST:
            raise GuardError(f"{func.__name__} makes a tensor of Python's values")
        return func(*args, **(kwargs or {}))
