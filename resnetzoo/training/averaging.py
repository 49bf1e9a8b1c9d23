"""The exponential moving average of a network's weights, kept beside the network during training.

After step t it is a_t = d a_(t-1) + (1 - d) w_t, with a_1 = w_1 (arXiv:1412.6980, section 7.2, except for the start),
the same as torch's `AveragedModel` with `get_ema_multi_avg_fn(d)` and `use_buffers=True`. As there and in timm, the
running statistics of norms are averaged with the weights. The counters of norms are copied from the network, whereas
torch averages these whole numbers too. Buffers that begin with infinite values, such as masks, are copied as well,
since the difference of two infinities is NaN. The run's step number shows whether the average has begun, so that the
stored state needs no counter for it.
"""

from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from resnetzoo.errors import UsageError
from resnetzoo.training.module_settings import ModuleSettings
from resnetzoo.utils.modules import copy_of, in_mode
from resnetzoo.utils.text import reason_of

Blend = Callable[[list[Tensor], list[Tensor], None], None]
"""Updates the averages with the present values; the third argument, the number of earlier updates, is not used."""


class AveragedWeights:
    """The average of the weights of `model`.

    Attributes:
        model: a copy of the network in evaluation mode, with the average as its weights; before the first step it holds
            the network's initial weights.

    Args:
        model: the network being trained, already on its device.
        decay: the share of the average that is kept at each step, above 0 and below 1.

    Raises:
        UsageError: the network cannot be copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._source = model
        self._blend: Blend = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        try:
            self.model = in_mode(copy_of(model), training=False)
        except Exception as error:  # whatever a module from elsewhere may hold
            raise UsageError(
                f"ema_decay needs a copy of the network, and {type(model).__name__} cannot be copied "
                f"({reason_of(error)}): leave ema_decay out of the recipe"
            ) from error
        self.model.requires_grad_(False)
        self._fixed = {name for name, buffer in model.named_buffers() if _is_infinite(buffer)}
        self._settings = ModuleSettings(model, self.model, leave_out=["training"])

    def begin_epoch(self) -> None:
        """Give the averaged network the settings of modules that callbacks have changed in the trained one."""
        self._settings.carry_over()

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Include the weights after step number `step`, counted from 1; nothing waits for the device."""
        if step == 1:
            _copy(_tensors(self._source), _tensors(self.model))
            return
        averages, copies = self._parts(self.model)
        present, others = self._parts(self._source)
        self._blend(averages, present, None)
        _copy(others, copies)

    @torch.no_grad()
    def give_back(self) -> None:
        """Copy the average into the trained network."""
        _copy(_tensors(self.model), _tensors(self._source))

    def _parts(self, model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
        """The parameters and buffers of a floating-point type, which are averaged, and all others, which are copied."""
        averaged: list[Tensor] = []
        copied: list[Tensor] = []
        for name, tensor in chain(model.named_parameters(), model.named_buffers()):
            is_averaged = _has_fractions(tensor) and name not in self._fixed
            (averaged if is_averaged else copied).append(tensor)
        return averaged, copied


def _has_fractions(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _is_infinite(buffer: Tensor) -> bool:
    return not buffer.is_meta and _has_fractions(buffer) and not bool(buffer.isfinite().all())


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _copy(values: list[Tensor], into: list[Tensor]) -> None:
    if values:
        torch._foreach_copy_(into, values)
