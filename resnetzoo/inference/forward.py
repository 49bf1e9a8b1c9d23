"""The interface of an optimized network's forward pass, its plain implementation, and a cache by input shape.

A forward pass maps images of any float type to float32 logits. It is called in evaluation mode and without gradients,
possibly by many threads at once.
"""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from resnetzoo.utils.compile_gate import GATE

MAX_SHAPES = 8  # input shapes per network to compile or record for: a compilation takes seconds to a minute

Made = TypeVar("Made")


class ForwardPass(Protocol):
    """Maps images (n, C, H, W), n >= 1, of any float type and layout to new float32 logits (n, classes)."""

    def __call__(self, images: Tensor) -> Tensor: ...

    def prepare(self, images: Tensor) -> None:
        """Do now the work that would otherwise delay the first call with images of this shape."""


class PlainForward:
    """Calls the network as it is.

    Args:
        network: a network in evaluation mode, channels last.
        dtype: the type of its inputs.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        self.network = network
        self.dtype = dtype

    def __call__(self, images: Tensor) -> Tensor:
        with GATE.call():
            return self.traceable(images)

    def traceable(self, images: Tensor) -> Tensor:
        """The same as a call, without the lock, for a caller who traces it: a lock cannot be part of a graph."""
        logits: Tensor = self.network(self.inputs_of(images))
        return logits.float()

    def prepare(self, images: Tensor) -> None:
        """Do nothing, since nothing has to be prepared."""

    def inputs_of(self, images: Tensor) -> Tensor:
        """A copy in the network's type, channels last, whose strides are the same for every layout of `images`."""
        return torch.empty_like(images, dtype=self.dtype, memory_format=torch.channels_last).copy_(images)


class ByShape(Generic[Made]):
    """Something that is made for each of the first input shapes, once, such as compiled code or a recording.

    While it is being made for one shape, threads that ask for a new shape wait; those that ask for a finished one do
    not.

    Args:
        make: makes it for inputs like the given ones. If it returns None, nothing is made for later shapes either.
        only: the one shape to make it for; None for the first `MAX_SHAPES`.
    """

    def __init__(self, make: Callable[[Tensor], Made | None], only: torch.Size | None) -> None:
        self._make = make
        self._only = only
        self._left = MAX_SHAPES if only is None else 1
        self._made: dict[torch.Size, Made] = {}
        self._making = threading.Lock()

    def __len__(self) -> int:
        return len(self._made)

    def get(self, inputs: Tensor) -> Made | None:
        """What was made for the shape of `inputs`, or is made now; None for a shape that nothing is made for."""
        shape = inputs.shape
        found = self._made.get(shape)
        if found is None and self.has_room_for(shape):
            with self._making:
                found = self._made.get(shape)
                if found is None and self.has_room_for(shape):
                    found = self._add(inputs)
        return found

    def has_room_for(self, shape: torch.Size) -> bool:
        """Whether it would be made for `shape`, if it has not been made yet."""
        return self._left > 0 and self._only in (None, shape)

    def _add(self, inputs: Tensor) -> Made | None:
        made = self._make(inputs)
        if made is None:
            self._left = 0
        else:
            self._made[inputs.shape] = made
            self._left -= 1
        return made
