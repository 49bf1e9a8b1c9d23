"""The forward pass of an optimized network, any float images in and float32 logits out; the plain way to do it.

A forward pass may be called from many threads at once, in evaluation mode and without gradients.
"""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from resnetzoo.utils.compile_gate import GATE

MAX_SHAPES = 8  # of input that something is made for, in one network: a compilation takes seconds to a minute

Made = TypeVar("Made")


class ForwardPass(Protocol):
    """Images (n, C, H, W), n from 1, of any float type and layout -> logits (n, classes), float32, the caller's own."""

    def __call__(self, images: Tensor) -> Tensor: ...

    def prepare(self, images: Tensor) -> None:
        """Do now what the first call for images of this shape would do before it answers."""


class PlainForward:
    """Calls the network as it is.

    Args:
        network: of the type `dtype`, channels last.
        dtype: what it takes.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        self.network = network
        self.dtype = dtype

    def __call__(self, images: Tensor) -> Tensor:
        with GATE.call():
            return self.traceable(images)

    def traceable(self, images: Tensor) -> Tensor:
        """The same for a caller who traces it, and to whose graph no lock can belong."""
        logits: Tensor = self.network(self.inputs_of(images))
        return logits.float()

    def prepare(self, images: Tensor) -> None:
        """Nothing has to be done."""

    def inputs_of(self, images: Tensor) -> Tensor:
        """A copy in the network's type, channels last, whose strides are the same for every layout of `images`."""
        return torch.empty_like(images, dtype=self.dtype, memory_format=torch.channels_last).copy_(images)


class ByShape(Generic[Made]):
    """What was made for the first shapes of input, for each of them once, whichever thread asks first.

    Threads that ask for a shape in the making wait; those whose shape is there do not.

    Args:
        make: gives it for inputs like these; None where it cannot be made, and then it is not tried again.
        only: the one shape that it is made for; None for the first `MAX_SHAPES`.
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
        """What was made for the shape of `inputs`, now if need be; None for a shape that nothing is made for."""
        shape = inputs.shape
        found = self._made.get(shape)
        if found is None and self.has_room_for(shape):
            with self._making:
                found = self._made.get(shape)
                if found is None and self.has_room_for(shape):
                    found = self._add(inputs)
        return found

    def has_room_for(self, shape: torch.Size) -> bool:
        """Whether it would be made for a shape that it has not been made for."""
        return self._left > 0 and self._only in (None, shape)

    def _add(self, inputs: Tensor) -> Made | None:
        made = self._make(inputs)
        if made is None:
            self._left = 0
        else:
            self._made[inputs.shape] = made
            self._left -= 1
        return made
