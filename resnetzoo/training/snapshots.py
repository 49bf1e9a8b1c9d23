"""Copies of a state's tensors, to be read while training changes the originals.

The state of a run has hundreds of tensors (985 at depth 110). Copied from a GPU one by one, each costs a launch and a
wait. Here the tensors of one dtype are concatenated on the device and copied to the host in one piece.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

State = TypeVar("State")
Group = tuple[torch.device, torch.dtype]
"""What tensors must have in common to be copied together."""


class Snapshots(ABC):
    """Takes snapshots of a state: tensors in dictionaries, lists and tuples."""

    @abstractmethod
    def reserve(self, state: object) -> None:
        """Allocate host memory for a state with tensors of these sizes, so that no snapshot has to."""

    @abstractmethod
    def take(self, state: State) -> Callable[[], State]:
        """A function that returns the present state; any thread may call it, once, before the next is taken."""


class LiveSnapshots(Snapshots):
    """Returns the state itself, for use before training continues."""

    def reserve(self, state: object) -> None:
        """Do nothing, since no memory is needed."""

    def take(self, state: State) -> Callable[[], State]:
        return lambda: state


class Transfer(ABC):
    """Copies from a device to the host that run while the device does other work."""

    @abstractmethod
    def empty(self, size: int, dtype: torch.dtype) -> Tensor:
        """Memory (size,) on the host for the copy."""

    @abstractmethod
    def start(self, copies: Sequence[tuple[Tensor, Tensor]]) -> Callable[[], None]:
        """Start to copy the first of each pair to the second; returns a function that waits until all have arrived."""


class CudaTransfer(Transfer):
    """Copies into page-locked memory, queued on the current stream."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def empty(self, size: int, dtype: torch.dtype) -> Tensor:
        return torch.empty(size, dtype=dtype, device="cpu", pin_memory=True)

    def start(self, copies: Sequence[tuple[Tensor, Tensor]]) -> Callable[[], None]:
        for source, target in copies:
            target.copy_(source, non_blocking=True)
        stream = torch.cuda.current_stream(self.device)
        arrived = stream.record_event(torch.cuda.Event(blocking=True))  # type: ignore[no-untyped-call]

        def wait() -> None:
            with torch.cuda.device(stream.device):  # a new thread starts with the first GPU, and would use memory there
                arrived.synchronize()

        return wait


@dataclass(frozen=True)
class _Place:
    """The position of a tensor in its group's memory on the host."""

    group: Group
    offset: int
    size: torch.Size
    stride: tuple[int, ...]


class HostSnapshots(Snapshots):
    """Takes copies on the host, in memory that the next snapshot reuses.

    Args:
        transfer: copies from the device.
    """

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self._memory: dict[Group, Tensor] = {}

    def reserve(self, state: object) -> None:
        sizes: dict[Group, int] = {}

        def add(tensor: Tensor) -> None:
            group = (tensor.device, tensor.dtype)
            sizes[group] = sizes.get(group, 0) + tensor.numel()

        _replaced(state, Tensor, add)
        for group, size in sizes.items():
            self._memory_of(group, size)

    def take(self, state: State) -> Callable[[], State]:
        flat: dict[Group, list[Tensor]] = {}
        sizes: dict[Group, int] = {}

        def place(tensor: Tensor) -> Tensor | _Place:
            tensor = tensor.detach()
            if not _is_dense(tensor):  # rare, and no view can flatten it
                return tensor.to("cpu", copy=True)
            group = (tensor.device, tensor.dtype)
            offset = sizes.get(group, 0)
            sizes[group] = offset + tensor.numel()
            flat.setdefault(group, []).append(tensor.as_strided((tensor.numel(),), (1,)))
            return _Place(group, offset, tensor.shape, tensor.stride())

        places = _replaced(state, Tensor, place)
        copies = [(torch.cat(parts), self._memory_of(group, sizes[group])) for group, parts in flat.items()]
        wait = self.transfer.start(copies)

        def read(place: _Place) -> Tensor:
            whole = self._memory[place.group]
            return whole.as_strided(place.size, place.stride, place.offset).clone()  # a record of its own in a file

        def on_host() -> State:
            wait()
            result: State = _replaced(places, _Place, read)
            return result

        return on_host

    def _memory_of(self, group: Group, size: int) -> Tensor:
        """Memory (size,) on the host; if it is too short it is allocated again, which waits for the device."""
        held = self._memory.get(group)
        if held is None or len(held) < size:
            held = self._memory[group] = self.transfer.empty(size, group[1])
        return held[:size]


def choose_snapshots(device: torch.device) -> Snapshots:
    """The `Snapshots` for a run on `device`."""
    # On other devices a state is written before training continues, so a copy would only cost time.
    return HostSnapshots(CudaTransfer(device)) if device.type == "cuda" else LiveSnapshots()


def _replaced(tree: Any, kind: type[Any], replace: Callable[[Any], Any]) -> Any:
    """A copy of nested dictionaries, lists and tuples, with every value of one type replaced."""
    if isinstance(tree, kind):
        return replace(tree)
    if isinstance(tree, dict):
        result = copy.copy(tree)  # keeps the class and the attributes, such as a state dict's versions
        for key, value in tree.items():
            result[key] = _replaced(value, kind, replace)
        return result
    if isinstance(tree, (list, tuple)):
        return type(tree)(_replaced(value, kind, replace) for value in tree)
    return tree


def _is_dense(tensor: Tensor) -> bool:
    """Whether the elements fill one contiguous block of memory, in any order of the dimensions."""
    if tensor.layout != torch.strided:
        return False
    expected = 1
    for stride, size in sorted((s, n) for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n != 1):
        if stride != expected:
            return False
        expected *= size
    return True
