"""Random numbers drawn from their own seed: fresh weights, and those of a training step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnetzoo.utils.validation import check_seed

_DRAWING = frozenset((nn.init.kaiming_uniform_, nn.init.uniform_, nn.init.normal_))


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """A block in which this thread draws weights only from `seed`; None changes nothing.

    torch's own random state is neither read nor changed, on no device and in no thread.

    Raises:
        UsageError: `seed` is not a seed.
    """
    if seed is None:
        yield
        return
    check_seed(seed)
    with _DrawnFrom(seed):
        yield


@contextmanager
def drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """A block in which torch draws random numbers, such as those of dropout, from `seed`, on the CPU and on `device`.

    Afterwards the generators of the CPU and, for CUDA, of `device` are as they were.
    """
    cuda = device.type == "cuda"
    with torch.random.fork_rng([device] if cuda else [], device_type=device.type):
        torch.default_generator.manual_seed(seed)
        if cuda:  # `torch.manual_seed` would seed all devices, also those that are not restored
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type != "cpu":
            torch.manual_seed(seed)
        yield


class _DrawnFrom(TorchFunctionMode):
    """Gives torch's initializers a generator of their own for each device."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.generators: dict[torch.device, torch.Generator] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func not in _DRAWING:
            return func(*args, **(kwargs or {}))
        drawn: Tensor = args[0] if args else (kwargs or {})["tensor"]
        generator = None if drawn.is_meta else self._generator(drawn.device)  # meta tensors have no values to draw
        return func(*args, **{**(kwargs or {}), "generator": generator})

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self.generators:
            self.generators[device] = torch.Generator(device).manual_seed(self.seed)
        return self.generators[device]
