"""The training step with compiled forward and backward pass, and whether a run is long enough for it to pay."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from resnetzoo.training.batchnorm import with_summed_batchnorm
from resnetzoo.training.mixing import Mixed
from resnetzoo.training.module_settings import ModuleSettings
from resnetzoo.training.strategies.base import StepState
from resnetzoo.training.strategies.eager import EagerStep, LossFn
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.utils.compile import warnings_of_torch_ignored, with_own_code
from resnetzoo.utils.modules import in_mode
from resnetzoo.utils.text import first_line

REPAID_BY_IMAGES = 150_000
"""The number of images from which compiling pays on a CPU: it takes as long as it saves over about 1,000 steps of 128
images, at any depth, since its cost and its gain both grow with the number of layers."""

_OPTIONS: dict[str, dict[str, Any]] = {"cpu": {"cpp_wrapper": True}}  # the calls between the kernels are C++ too


class CompiledStep(EagerStep):
    """`EagerStep` whose forward and backward pass is compiled for whole batches.

    The smaller last batch of an epoch runs eagerly, since another shape would need another compilation.

    Args:
        compiled_loss_fn: the forward pass and loss for whole batches, compiled by `compile_loss`.
        loss_fn: the forward pass and loss for smaller batches.
        state: what the step uses.
        settings: settings of the network, and the twin that is compiled.
    """

    execution = Execution(compiled=True)

    def __init__(self, compiled_loss_fn: LossFn, loss_fn: LossFn, state: StepState, settings: ModuleSettings) -> None:
        super().__init__(loss_fn, state)
        self.compiled_loss_fn = compiled_loss_fn
        self.settings = settings

    def begin_epoch(self, augmentation: Tensor) -> None:
        super().begin_epoch(augmentation)
        self.settings.carry_over()

    def forward(self, images: Tensor, labels: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        loss_fn = self.compiled_loss_fn if len(labels) == self.state.batch_size else self.loss_fn
        return loss_fn(images, labels, mixed)


def compiling_pays(device: torch.device, images: int) -> bool:
    """Whether a run over this many images (steps times batch size) takes less time with compilation than without.

    On CUDA a recorded step has no launch overhead left, so the gain from fusion repays compilation only in very long
    runs.
    """
    return device.type == "cpu" and images >= REPAID_BY_IMAGES


def model_to_compile(model: nn.Module, device: torch.device) -> nn.Module:
    """The module to compile: on a CPU, a copy that shares all weights and whose batch norm the compiler vectorizes."""
    trained = in_mode(model, training=True)
    return with_summed_batchnorm(trained) if device.type == "cpu" else trained


def compile_loss(loss_fn: LossFn, device: torch.device, layout: torch.memory_format) -> LossFn:
    """`loss_fn` compiled for `device` at its first call; if that fails it runs uncompiled, with a warning.

    The compiler may choose the memory format of each convolution unless `layout` is contiguous.
    """
    options = dict(_OPTIONS.get(device.type, {}))
    if layout == torch.contiguous_format:
        options["layout_optimization"] = False
    with warnings_of_torch_ignored():  # the very first call imports the compiler
        fast = torch.compile(with_own_code(loss_fn), dynamic=False, options=options)
    chosen: list[LossFn] = []

    def first_compiled(images: Tensor, labels: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        if chosen:
            return chosen[0](images, labels, mixed)
        try:
            with warnings_of_torch_ignored():
                result = fast(images, labels, mixed)
        # A missing C++ compiler, one that is too old, and a full disk each raise different exceptions.
        except Exception as error:
            warnings.warn(
                f"training continues uncompiled, which is slower, because compiling failed ({first_line(error)}): "
                "install a C++ compiler with Python's headers, or pass compile=False",
                stacklevel=2,
            )
            chosen.append(loss_fn)
            return loss_fn(images, labels, mixed)
        chosen.append(fast)
        return result

    return first_compiled
