"""The step with its forward and backward pass compiled, and whether a run is long enough to pay for it."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from resnetzoo.training.batchnorm import with_summed_batchnorm
from resnetzoo.training.mixing import Mixed
from resnetzoo.training.strategies.base import StepState
from resnetzoo.training.strategies.eager import EagerStep, LossFn
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.utils.compile import deprecations_of_torch_ignored, with_own_code
from resnetzoo.utils.text import first_line

REPAID_BY_IMAGES = 150_000
"""Images from which compiling pays on a CPU: it takes as long as it saves over some 1,000 steps of 128, at any depth,
since its time and what it saves both grow with the layers."""

_OPTIONS: dict[str, dict[str, Any]] = {"cpu": {"cpp_wrapper": True}}  # the calls between the kernels in C++ too


class CompiledStep(EagerStep):
    """`EagerStep` with the pass of whole batches compiled.

    The smaller batch at an epoch's end runs eagerly: another shape would be compiled once more.

    Args:
        compiled_loss_fn: for whole batches; `compile_loss` makes it.
        loss_fn: for smaller ones.
        state: what the step works on.
    """

    execution = Execution(compiled=True)

    def __init__(self, compiled_loss_fn: LossFn, loss_fn: LossFn, state: StepState) -> None:
        super().__init__(loss_fn, state)
        self.compiled_loss_fn = compiled_loss_fn

    def forward(self, images: Tensor, labels: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        loss_fn = self.compiled_loss_fn if len(labels) == self.state.batch_size else self.loss_fn
        return loss_fn(images, labels, mixed)


def compiling_pays(device: torch.device, images: int) -> bool:
    """Whether a run over so many images (steps times batch) is shorter with compiling than without.

    On CUDA a recorded step has no overhead left, and what fusing saves repays compiling in very long runs only.
    """
    return device.type == "cpu" and images >= REPAID_BY_IMAGES


def model_to_compile(model: nn.Module, device: torch.device) -> nn.Module:
    """On a CPU, the twin whose batch norm its compiler vectorizes; it shares all weights with `model`."""
    return with_summed_batchnorm(model.train()) if device.type == "cpu" else model


def compile_loss(loss_fn: LossFn, device: torch.device) -> LossFn:
    """`loss_fn` compiled for `device` at its first call; where that fails it stays as it is, with a warning."""
    with deprecations_of_torch_ignored():  # the first call of all imports the compiler
        fast = torch.compile(with_own_code(loss_fn), dynamic=False, options=_OPTIONS.get(device.type))
    chosen: list[LossFn] = []

    def first_compiled(images: Tensor, labels: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        if chosen:
            return chosen[0](images, labels, mixed)
        try:
            with deprecations_of_torch_ignored():
                result = fast(images, labels, mixed)
        # No C++ compiler, one that is too old, no space for its files: each fails with exceptions of its own.
        except Exception as error:
            warnings.warn(
                f"training goes on uncompiled, which is slower, since compiling failed ({first_line(error)}): "
                "install a C++ compiler with Python's headers, or say compile=False",
                stacklevel=2,
            )
            chosen.append(loss_fn)
            return loss_fn(images, labels, mixed)
        chosen.append(fast)
        return result

    return first_compiled
