"""The compiled forward and backward pass, and whether a run is long enough to pay for it."""

import types
import warnings
from typing import Any, cast

import torch
from torch import Tensor

from resnetzoo.step import LossOf

REPAID_BY_IMAGES = 150_000
"""Images from which compiling pays on a CPU: it takes as long as it saves over some 1,000 steps of 128, at any depth,
since its time and what it saves both grow with the layers."""

_OPTIONS: dict[str, Any] = {"cpp_wrapper": True}  # on a CPU, the calls between the kernels in C++ too


def compiling_pays(device: torch.device, images: int) -> bool:
    """Whether a run over so many images (steps times batch) is shorter with compiling than without.

    On CUDA a recorded step has no overhead left, and what fusing saves repays compiling in very long runs only.
    """
    return device.type == "cpu" and images >= REPAID_BY_IMAGES


def compiled(loss_of: LossOf) -> LossOf:
    """`loss_of` compiled at its first call; where that fails it stays as it is, with a warning."""
    fast = torch.compile(_with_own_code(loss_of), dynamic=False, options=_OPTIONS)
    chosen: list[LossOf] = []

    def first_compiled(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if chosen:
            return chosen[0](images, labels)
        try:
            result = fast(images, labels)
        # No C++ compiler, one that is too old, no space for its files: each fails with exceptions of its own.
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            warnings.warn(
                f"training goes on uncompiled, which is slower: {type(error).__name__}: {reason}. A C++ compiler "
                "(such as the package g++) is needed; compile=False asks for none",
                stacklevel=2,
            )
            chosen.append(loss_of)
            return loss_of(images, labels)
        chosen.append(fast)
        return result

    return first_compiled


def _with_own_code(function: LossOf) -> LossOf:
    """A copy with a code object of its own: torch keeps what it compiled by code object, a few to each."""
    made = cast(types.FunctionType, function)
    return types.FunctionType(
        made.__code__.replace(), made.__globals__, made.__name__, made.__defaults__, made.__closure__
    )
