"""Choose the strategy of a run."""

import warnings

import torch
from torch import nn

from resnetzoo.errors import UsageError
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.module_settings import ModuleSettings
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.strategies.base import StepState, Strategy
from resnetzoo.training.strategies.compiled import (
    REPAID_BY_IMAGES,
    CompiledStep,
    compile_loss,
    compiling_pays,
    model_to_compile,
)
from resnetzoo.training.strategies.ddp import DDPStep, check_shards, wrap_ddp
from resnetzoo.training.strategies.eager import EagerStep, make_loss
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.training.strategies.recorded import RecordedStep
from resnetzoo.training.strategies.recording import Recording
from resnetzoo.utils.device import Precision, check_recordable
from resnetzoo.utils.text import reason_of


def choose_strategy(
    model: nn.Module,
    recipe: Recipe,
    state: StepState,
    precision: Precision,
    *,
    compile: bool | None,  # noqa: A002 (torch's and `fit`'s own word)
    record: bool | None,
    context: DistributedContext,
) -> Strategy:
    """The strategy of a run: DDP for several processes, recorded on CUDA, otherwise compiled or eager.

    Args:
        model: the network, already on its device.
        recipe: the recipe, with its steps for this number of images.
        state: what the steps use.
        precision: precision of the forward pass.
        compile: True or False, or None to let the length of the run decide.
        record: False never records a step. None records it on CUDA unless it depends on Python code; True records it
            even then.
        context: the processes that share the run.

    Raises:
        UsageError: `compile=True` or `record=True` for a run of several processes, batches too small for the processes,
            or `record=True` on a device whose work cannot be recorded.
    """
    device = state.loader.device
    if context.world_size > 1:
        if compile:
            raise UsageError(
                f"{context.world_size} processes share the run, and a shared step is not compiled: "
                "leave compile=True out"
            )
        if record:
            raise UsageError(
                f"{context.world_size} processes share the run, and a shared step is not recorded: "
                "leave record=True out"
            )
        check_shards(context, len(state.loader), state.batch_size)
        shared = wrap_ddp(model, context, device)
        step = EagerStep(make_loss(shared, recipe, device, precision), state)
        return DDPStep(step, context, ModuleSettings(model, shared.module))
    if state.recorder is None:
        check_recordable(record, device)
    step = EagerStep(make_loss(model, recipe, device, precision), state)
    if compiling_pays(device, deciding_images(recipe, state.batch_size)) if compile is None else compile:
        step = _compiled(model, recipe, step, precision)
    if state.recorder is None or record is False:
        return step
    return RecordedStep(step, Recording(state.recorder, model, vouched=record is True))


def _compiled(model: nn.Module, recipe: Recipe, step: EagerStep, precision: Precision) -> EagerStep:
    """The compiled step; if the network cannot be copied for it, `step` itself, with a warning."""
    device = step.state.loader.device
    try:
        twin = model_to_compile(model, device)
    except Exception as error:  # a module may refuse to be copied with any exception
        warnings.warn(
            f"training continues uncompiled, which is slower, because {type(model).__name__} cannot be copied "
            f"({reason_of(error)}): pass compile=False to leave this warning out",
            stacklevel=2,
        )
        return step
    compiled = compile_loss(make_loss(twin, recipe, device, precision), device, step.state.layout)
    return CompiledStep(compiled, step.loss_fn, step.state, ModuleSettings(model, twin))


def deciding_images(recipe: Recipe, batch_size: int) -> int:
    """The number of images in a run, steps times batch size, up to its first end if it was extended.

    So the added steps run in the same way as those before, and repeating the whole run gives the same figures.
    """
    return (*recipe.extended_at, recipe.steps)[0] * batch_size


def explain_choice(execution: Execution, device: torch.device, images: int, context: DistributedContext) -> str:
    """One line for users who wait for the first step; `images` is the run's `deciding_images`."""
    if execution.shared:
        return f"{context.world_size} processes share each batch"
    if device.type == "cpu":
        pays = f"compiling pays from some {REPAID_BY_IMAGES:,} images on, and this run learns from {images:,}"
        return f"step {execution}: {pays}{'; the first step takes longer' if execution.compiled else ''}"
    return f"step {execution}"
