"""A recorder for the CPU that behaves as a CUDA graph does: it repeats operations on the same memory, and no Python.

What Python decided while recording stays as it was, and a value that the host asks for cannot be had.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from resnetzoo.training.strategies.recording import RunRecorder, Work
from resnetzoo.utils.cuda_graph import Replay


class OpRecorder(RunRecorder):
    """Notes each operation below autograd with its arguments; a replay carries it out and writes where it wrote.

    Attributes:
        watched: works that were carried out under the watch.
        recorded: works that were recorded.
        replayed: replays so far, of all of them.
    """

    def __init__(self) -> None:
        self.watched = self.recorded = self.replayed = 0

    def watch(self, work: Work) -> str | None:
        self.watched += 1
        with _ValueWatch() as seen:
            work()
        return "the host asks for a value" if seen.asked else None

    def record(self, work: Work) -> Replay:
        with torch.random.fork_rng(devices=[]), _OpLog() as log:
            work()
        log.undo()
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            log.repeat()

        return replay


class _ValueWatch(TorchDispatchMode):
    """Sees whether a tensor's value is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.asked |= asks_for_a_value(func, args)
        return func(*args, **(kwargs or {}))


class _OpLog(TorchDispatchMode):
    """The operations of a work, in their order, and what they wrote over."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any, list[bool]]] = []
        self.before: dict[int, tuple[Tensor, Tensor]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if asks_for_a_value(func, args):
            raise RuntimeError("operation not permitted when stream is capturing")
        for tensor in _written(func, args, kwargs):
            if id(tensor) not in self.before:
                self.before[id(tensor)] = (tensor, tensor.detach().clone())
        inputs = {leaf.untyped_storage().data_ptr() for leaf in _tensors((args, kwargs))}
        out = func(*args, **kwargs)
        own = [
            isinstance(leaf, Tensor) and leaf.untyped_storage().data_ptr() not in inputs for leaf in tree_leaves(out)
        ]
        self.operations.append((func, args, kwargs, out, own))
        return out

    def undo(self) -> None:
        """Everything as before the recording, which carries nothing out."""
        with torch.no_grad():
            for tensor, value in self.before.values():
                tensor.copy_(value)

    def repeat(self) -> None:
        """Each operation once more, its results where they were while recording."""
        with torch.no_grad():
            for func, args, kwargs, out, own in self.operations:
                if "profiler" in str(func):
                    continue
                again = func(*args, **kwargs)
                for kept, made, is_own in zip(tree_leaves(out), tree_leaves(again), own, strict=True):
                    if is_own and kept.numel():
                        kept.copy_(made)


def asks_for_a_value(func: Any, args: Any) -> bool:
    """Whether the host has to know a value to go on: a number, or how many elements the result has."""
    if func is torch.ops.aten.index.Tensor:
        return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1])
    return bool({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags))


def _tensors(values: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))


def _written(func: Any, args: Any, kwargs: Any) -> Iterator[Tensor]:
    """The arguments that an operation writes to, as its schema says; of the batch norm's statistics it says nothing."""
    for number, argument in enumerate(func._schema.arguments):
        value = args[number] if number < len(args) else kwargs.get(argument.name)
        statistics = "native_batch_norm.default" in str(func) and argument.name in ("running_mean", "running_var")
        if statistics or (argument.alias_info and argument.alias_info.is_write):
            yield from _tensors(value)
