"""Start a run and release what it holds, in the same way for `fit`, `fit_many`, `rerun` and the benchmarks."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import torch
from torch import nn

from resnetzoo.data.conversion import check_data
from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.data.pair import Data
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.introspection import known_spec
from resnetzoo.models.pretrained import Pretrained, attach_normalization
from resnetzoo.models.wrappers import innermost, network_in
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.distributed import DistributedContext, current_context, local_device
from resnetzoo.training.extending import extended_recipe
from resnetzoo.training.first_outputs import check_first_outputs
from resnetzoo.training.preflight import check_arguments, check_runs_on, identity_of
from resnetzoo.training.recipes import Recipe, check_recipe
from resnetzoo.training.same_run import check_same, description_of, say_other_weights
from resnetzoo.training.strategies.base import StepState
from resnetzoo.training.strategies.choose import choose_strategy
from resnetzoo.training.stream import RunStream
from resnetzoo.training.trainer import Trainer
from resnetzoo.utils.device import Precision, autocast, resolve_device, resolve_precision
from resnetzoo.utils.files import delete_unfinished
from resnetzoo.utils.folder_lock import locked
from resnetzoo.utils.layout import training_layout
from resnetzoo.utils.memory import reset_peak_memory
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.run_names import RESULTS, STATES
from resnetzoo.utils.validation import check_optional_flag


@contextmanager
def open_trainer(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | torch.device = "auto",
    precision: str = "auto",
    compile: bool | None = None,  # noqa: A002 (torch's own word)
    record: bool | None = None,
    out: str | Path | None = None,
    extend_to: int | None = None,
    loader: DeviceLoader | None = None,
    stream: RunStream | None = None,
    callbacks: Sequence[Callback] = (),
) -> Iterator[Trainer]:
    """A run that is ready to start, or to resume if a callback restores an earlier state.

    The caller's autocast and modes without gradients do not apply inside the block. When the block ends, even by an
    error, the device has finished all work of the run, the run has released its strategy, and every callback that was
    started has been told of the end or the error, unless the steps were abandoned before that. The errors are those of
    `fit`.

    Args:
        model: the network, trained in place; if it is inside a known wrapper, only the network inside is trained.
        data: the training and test images.
        recipe: how to train.
        seed: seed of the image order and the augmentation.
        device: the device, as in `fit`.
        precision: precision of the steps.
        compile: True or False, or None to let the length of the run decide.
        record: True or False, or None to record on CUDA unless a step depends on Python code.
        out: the run's folder, for messages; the `standard_callbacks` write to it.
        extend_to: the total number of epochs to which the finished run in `out` is extended.
        loader: the training set on this device, augmented as the recipe says, if several runs share one.
        stream: the stream to use if several runs train side by side, which may be that of an earlier run; None creates
            one for this run, and resets the peak of the device's memory.
        callbacks: called in this order; the `standard_callbacks`, which keep the rows, must come first.
    """
    check_data(data)
    check_recipe(recipe)
    check_optional_flag("compile", compile)
    check_optional_flag("record", record)
    chosen = local_device(resolve_device(device))
    context = current_context(chosen)
    folder = None if out is None else user_path(out)
    recipe, resolved = context.in_all(
        lambda: _checked(model, data, recipe, chosen, precision, seed=seed, processes=context.world_size, out=folder)
    )
    if context.world_size > 1:
        described = description_of(
            network_in(model),
            data,
            recipe,
            seed=seed,
            device=chosen,
            precision=resolved,
            compile=compile,
            record=record,
            keeps_files=folder is not None,
            extend_to=extend_to,
        )
        check_same(context, described)
        say_other_weights(context, network_in(model))
    if extend_to is not None and folder is not None:
        begun = identity_of(model, data, recipe, seed=seed, precision=resolved)
        recipe = context.from_rank_zero(
            partial(extended_recipe, begun, extend_to, num_images=len(data.train), folder=folder)
        )
    if stream is None:
        stream = RunStream(chosen)
        reset_peak_memory(chosen)
    with ordinary_mode(chosen), ExitStack() as held:
        trainer = _build_trainer(
            network_in(model),
            data,
            recipe,
            make_loader(data, recipe, chosen) if loader is None else loader,
            stream,
            seed=seed,
            precision=resolved,
            compile=compile,
            record=record,
            out=folder,
            context=context,
            callbacks=callbacks,
        )
        try:
            if folder is not None:
                context.from_rank_zero(partial(_hold, held, folder))
            trainer.start()
            yield trainer
        except BaseException as error:
            trainer.fail(error)
            raise
        finally:
            trainer.release()


def _hold(held: ExitStack, folder: Path) -> None:
    held.enter_context(locked(folder))
    for name in (*STATES, *RESULTS):
        delete_unfinished(folder / name)


def _checked(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    device: torch.device,
    precision: str,
    *,
    seed: int,
    processes: int,
    out: Path | None,
) -> tuple[Recipe, Precision]:
    """The recipe for these images and the precision on this device, after the arguments were checked."""
    as_run = recipe.for_images(len(data.train))
    check_arguments(model, data, as_run, seed=seed, processes=processes, out=out)
    check_runs_on(model, device, processes)
    return as_run, resolve_precision(precision, device)


@contextmanager
def ordinary_mode(device: torch.device) -> Iterator[None]:
    """A block with gradients on and autocast off, whatever mode the caller is in."""
    with torch.inference_mode(False), torch.enable_grad(), autocast(device, "fp32"):
        try:
            yield
        finally:
            torch.clear_autocast_cache()  # the caller's autocast may hold copies of the weights from before the run


def make_loader(data: Data, recipe: Recipe, device: torch.device) -> DeviceLoader:
    """The training set on `device`, to be cropped, flipped and batched as the recipe says."""
    normalization = data.train.normalization(recipe.normalization)
    return DeviceLoader(
        data.train,
        normalization,
        padding=recipe.crop_padding,
        padding_mode=recipe.crop_padding_mode,
        flip=recipe.flip,
        cutout=recipe.cutout,
        device=device,
    )


def _build_trainer(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    loader: DeviceLoader,
    stream: RunStream,
    *,
    seed: int,
    precision: Precision,
    compile: bool | None,  # noqa: A002
    record: bool | None,
    out: Path | None,
    context: DistributedContext,
    callbacks: Sequence[Callback],
) -> Trainer:
    """A run before its first step, on the loader's device; only the trainer refers to the strategy, to release it."""
    layout = training_layout(model, loader.device)
    model.to(loader.device, memory_format=layout)  # type: ignore[call-overload]
    if not isinstance(model, CifarNet):
        part = context.shard(slice(0, min(recipe.batch_size, len(data.train))))
        batch_size = max(1, part.stop - part.start)  # a batch too small for the processes is refused later
        layout = context.in_all(
            lambda: check_first_outputs(model, data, loader.device, layout, batch_size=batch_size, precision=precision)
        )
        model.to(memory_format=layout)
    step_state = StepState.create(model, recipe, loader, layout, stream)
    _update_description(model, data, loader)
    step_state.stream.wait_for_caller()
    with step_state.stream.active():  # DDP runs its backward pass on the stream that it is built on
        return Trainer(
            model,
            known_spec(model),
            data,
            recipe,
            seed=seed,
            step_state=step_state,
            strategy=choose_strategy(
                model, recipe, step_state, precision, compile=compile, record=record, context=context
            ),
            precision=precision,
            out=out,
            context=context,
            callbacks=callbacks,
        )


def _update_description(model: nn.Module, data: Data, loader: DeviceLoader) -> None:
    """Update the model's description of itself; what a row of weights or a file said about it no longer holds."""
    if isinstance(model, CifarNet):
        classes = data.classes if len(data.classes) == model.num_classes else None
        model.pretrained = Pretrained(normalization=loader.normalization, classes=classes)
    else:
        for module in (model, innermost(model)):
            attach_normalization(module, loader.normalization)
