"""The compiled forward and backward pass, and whether a run is long enough to pay for it."""

import warnings
from typing import Any

import torch
from torch import Tensor

from resnetzoo.training.step import LossFn
from resnetzoo.utils.compile import first_line, with_own_code

REPAID_BY_IMAGES = 150_000
"""Images from which compiling pays on a CPU: it takes as long as it saves over some 1,000 steps of 128, at any depth,
since its time and what it saves both grow with the layers."""

_OPTIONS: dict[str, dict[str, Any]] = {"cpu": {"cpp_wrapper": True}}  # the calls between the kernels in C++ too


def compiling_pays(device: torch.device, images: int) -> bool:
    """Whether a run over so many images (steps times batch) is shorter with compiling than without.

    On CUDA a recorded step has no overhead left, and what fusing saves repays compiling in very long runs only.
    """
    return device.type == "cpu" and images >= REPAID_BY_IMAGES


def compiled(loss_fn: LossFn, device: torch.device) -> LossFn:
    """`loss_fn` compiled for `device` at its first call; where that fails it stays as it is, with a warning."""
    fast = torch.compile(with_own_code(loss_fn), dynamic=False, options=_OPTIONS.get(device.type))
    chosen: list[LossFn] = []

    def first_compiled(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if chosen:
            return chosen[0](images, labels)
        try:
            result = fast(images, labels)
        # No C++ compiler, one that is too old, no space for its files: each fails with exceptions of its own.
        except Exception as error:
            warnings.warn(
                f"training goes on uncompiled, which is slower, since compiling failed ({first_line(error)}): "
                "install a C++ compiler with Python's headers, or say compile=False",
                stacklevel=2,
            )
            chosen.append(loss_fn)
            return loss_fn(images, labels)
        chosen.append(fast)
        return result

    return first_compiled
