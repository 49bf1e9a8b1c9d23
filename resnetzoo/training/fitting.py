"""Training: a network, data and a recipe in; one row an epoch and a checkpoint out.

The path: device -> batches on it -> steps -> `Trainer` (resumed if `out` holds one of the same run) -> `Run`.
"""

from pathlib import Path

import torch
from torch import nn

from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.data.image_set import Data
from resnetzoo.data.normalization import measure_normalization
from resnetzoo.errors import UsageError
from resnetzoo.models.introspection import known_spec
from resnetzoo.models.spec import ModelSpec
from resnetzoo.training.callbacks import stop_requests
from resnetzoo.training.distributed import DistributedContext, current_context, local_device
from resnetzoo.training.recipes import QUICK20, Recipe
from resnetzoo.training.results import Run
from resnetzoo.training.strategy import Strategy
from resnetzoo.training.trainer import Trainer
from resnetzoo.utils.device import resolve_device, resolve_precision, tuned
from resnetzoo.utils.validation import check_seed, check_whole_number


def fit(
    model: nn.Module,
    data: Data,
    recipe: Recipe = QUICK20,
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    compile: bool | None = None,  # noqa: A002 (torch's own word)
    out: str | Path | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
) -> Run:
    """Train `model` in place from the weights that it has.

    With `out`, the folder gets `checkpoint.pt` at each epoch's end, `log.jsonl` with a line an epoch, and `run.json`
    at the end. Called again with the same arguments, the run goes on from its checkpoint; on a CPU in fp32 it ends
    with the same weights, bit for bit, as one never stopped. A run that is finished is read, not repeated.

    The training set lies on the device and batches are cut there. On CUDA a step is recorded once and replayed, and
    nothing waits for it before the epoch's end. Under `torchrun` the processes share each batch: batch size, batch
    norm and results are those of one process, and the first one writes.

    Args:
        model: images (N, C, H, W) -> logits (N, classes), such as one from `create`.
        data: what to learn from and to measure on.
        recipe: how; see `resnetzoo.recipes`.
        seed: of the order of the images and their augmentation; fresh weights have their own in `create`.
        device: `auto` (cuda, mps, cpu: the first there is) or a device's name.
        precision: `fp32`, `bf16` (autocast), or `auto`: bf16 where the hardware has it.
        compile: compile the step with `torch.compile`; None does so where the run is long enough to gain from it.
        out: the run's folder; None keeps nothing on disk.
        checkpoint_every: save every so many steps too.
        progress: show a bar and a line an epoch.

    Raises:
        UsageError: an argument outside its range, or a network for other images or fewer classes.
        DeviceError: a device that is not here.
        CheckpointMismatchError: `out` holds a run of another spec, recipe, seed, data or precision.
        CheckpointError: `out` holds only damaged checkpoints.
        ResultsError: `out` holds a finished run whose record was changed by hand.
        OutputError: `out` cannot be written; what was saved stays.
        NonFiniteLossError: the loss is infinite or NaN; the last good checkpoint stays.
        TrainingInterrupted: Ctrl-C or SIGTERM; the step was finished and saved.
    """
    if checkpoint_every is not None:
        check_whole_number("checkpoint_every", checkpoint_every)
    on = local_device(resolve_device(device))
    recipe = recipe.for_images(len(data.train))
    batches = make_loader(data, recipe, on)
    with tuned(on):
        training = prepare(
            model,
            data,
            recipe,
            batches,
            seed=seed,
            precision=precision,
            compile=compile,
            out=out,
            context=current_context(on),
        )
        with training.progress(shown=progress, bar=True) as shown, stop_requests() as stop:
            try:
                for _ in training.steps(shown, stop, checkpoint_every):
                    pass  # alone on the device, the run makes no use of its pauses
            finally:
                training.strategy.release()
    return training.result()


def make_loader(data: Data, recipe: Recipe, device: torch.device) -> DeviceLoader:
    """The training set on `device`, ready to be cut as the recipe says."""
    normalization = measure_normalization(data.train.images, recipe.normalization)
    return DeviceLoader(data.train, normalization, padding=recipe.crop_padding, flip=recipe.flip, device=device)


def prepare(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    batches: DeviceLoader,
    *,
    seed: int,
    precision: str,
    compile: bool | None,  # noqa: A002
    out: str | Path | None,
    context: DistributedContext,
) -> Trainer:
    """A run ready to go, or to go on where `out` says; arguments and errors are those of `fit`."""
    check_seed(seed)
    spec = known_spec(model)
    if spec is not None:
        _check_spec(spec, data)
    if len(data.test) < context.world_size:
        raise UsageError(f"each of {context.world_size} processes needs a test image, and there are {len(data.test)}")
    resolved = resolve_precision(precision, batches.device)
    model.to(batches.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    training = Trainer(
        model,
        spec,
        data,
        recipe,
        seed=seed,
        batches=batches,
        strategy=Strategy(model, recipe, batches, resolved, compile=compile, context=context),
        precision=resolved,
        out=None if out is None else Path(out),
        context=context,
    )
    training.resume_or_start()
    return training


def _check_spec(spec: ModelSpec, data: Data) -> None:
    chans = data.train.images.shape[1]
    if spec.in_chans != chans:
        raise UsageError(
            f"the network takes {spec.in_chans} channels, the images have {chans}: create(..., in_chans={chans})"
        )
    if spec.num_classes < len(data.classes):
        wanted = len(data.classes)
        raise UsageError(
            f"the network has {spec.num_classes} classes, {data.title} has {wanted}: create(..., num_classes={wanted})"
        )
