"""`fit`: train a network on data by a recipe, with one row per epoch and a checkpoint as the result.

The path: `open_trainer` (device -> loader -> strategy -> `Trainer` -> callbacks) -> epochs of steps -> `Run`.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from resnetzoo.data.pair import Data
from resnetzoo.errors import UsageError
from resnetzoo.training.callbacks.base import Callback, checked_callbacks
from resnetzoo.training.callbacks.signals import catch_signals
from resnetzoo.training.callbacks.standard import standard_callbacks
from resnetzoo.training.opening import open_trainer
from resnetzoo.training.presets import QUICK20
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.results import Run
from resnetzoo.utils.validation import check_whole_number


def fit(
    model: nn.Module,
    data: Data,
    recipe: Recipe = QUICK20,
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    compile: bool | None = None,  # noqa: A002 (torch's own word)
    record: bool | None = None,
    out: str | Path | None = None,
    checkpoint_every: int | None = None,
    fresh: bool = False,
    extend_to: int | None = None,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Train `model` in place, from its present weights, and return the finished run.

    With `out`, the folder receives `checkpoint.pt` after each epoch, `log.jsonl` with one line per epoch, and at the
    end `test_logits.safetensors`, which `load_logits` reads, and `run.json`. If `fit` is called again with the same
    arguments and a network whose initial weights come from the same seed, the run resumes from its checkpoint. On a CPU
    in fp32 it ends with the same weights, bit for bit, as a run that was never stopped. A finished run is read instead
    of repeated. With `extend_to` it continues for more epochs, by `Recipe.extended_to`, and its earlier results are
    kept in a folder inside `out`, such as `until-epoch-20`.

    If the recipe has `ema_decay`, the tests, the logits, `run.model` and the network of `load_checkpoint(out)` use the
    average of the weights. The checkpoint also holds the weights that are trained.

    On CUDA a thread writes the checkpoint and then the log while training continues. However the run ends, `fit`
    returns or raises only after everything is written.

    The training set is stored on the device, where batches are cut from it. On CUDA a step is recorded once as a graph
    and replayed, and the run gets at most 60 steps ahead of the device. If a step of a network from elsewhere reads a
    value back or depends on Python code, every step is run without recording, and a warning gives the reason. Under
    `torchrun` the processes share each batch: batch size, batch norm and, up to rounding, results are those of one
    process. All processes start with the weights of the first one, which also writes the files.

    Args:
        model: network that maps images (N, C, H, W) to logits (N, classes), for example from `create`. If it is wrapped
            in `nn.DataParallel`, `DistributedDataParallel`, `AveragedModel` or an `nn.Sequential` of nothing else, or
            compiled by `torch.compile`, the network inside is trained.
        data: the training and test images.
        recipe: how to train; see `resnetzoo.recipes`.
        seed: seed of the image order and the augmentation; the seed of fresh weights is an argument of `create`.
        device: `auto` (the first available of cuda, mps and cpu) or the name of a device.
        precision: `fp32`, `bf16` (autocast), or `auto`, which is bf16 if the hardware supports it.
        compile: compile the step with `torch.compile`; None does so if the run is long enough to gain from it.
        record: record the step on CUDA. None does so unless something in it waits for the device or depends on Python;
            True declares that whatever Python code does in a step may stay as it was during the recording.
        out: the run's folder; None keeps nothing on disk.
        checkpoint_every: also save after this many steps.
        fresh: start again in a used `out`; its content is moved to a folder beside it, `out-old1`, and never deleted.
        extend_to: the total number of epochs to which the finished run in `out` is extended; the other arguments are
            those of its first call. Called again, the extended run resumes, or is read if it is finished.
        progress: show a bar and print one line per epoch.
        callbacks: called after each step and epoch, at the start and at the end; see `resnetzoo.Callback`.

    Raises:
        UsageError: an argument is outside its range; or the network is for other images or fewer classes, is scripted
            or exported, or has weights that are not float32, not finite or created inside `torch.inference_mode()`.
            With `out`, a network of this package was changed so that no file can describe it, for example by several
            layers as `fc`, or is part of a module that computes more. Under `torchrun`, the processes were started for
            different runs. With `extend_to`, the folder contains no run, an unfinished run, or a run that already has
            that many epochs.
        DeviceError: the device is not available.
        CheckpointMismatchError: `out` holds a run with another spec, recipe, seed, data or precision, or one that
            started with other weights or other frozen parameters.
        CheckpointError: `out` holds only damaged checkpoints, or no checkpoint but other files that the run would
            overwrite, such as the record of a run whose checkpoint was deleted.
        ResultsError: `out` holds a finished run whose record was edited by hand.
        OutputError: another process writes to `out`, or the folder cannot be written; what was saved is kept. On CUDA a
            failed write is raised by the next step at the latest.
        NonFiniteLossError: the training loss, a weight, or the loss of the last test is infinite or NaN; the last good
            checkpoint is kept.
        RecordingError: the step could not be recorded on CUDA; start again with `record=False`.
        TrainingInterrupted: Ctrl-C, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 or SIGXCPU; the step was finished, and saved if
            there is an `out`.

    Warns:
        UserWarning: with `out`, the network has hooks on its forward pass, which its checkpoints do not keep. Under
            `torchrun`, a process has other weights than the first one; all processes start with the first one's
            weights.
    """
    if checkpoint_every is not None:
        check_whole_number("checkpoint_every", checkpoint_every)
    if extend_to is not None:
        check_whole_number("extend_to", extend_to)
        if out is None or fresh:
            wrong = "without out= nothing was kept" if out is None else "fresh=True starts over: pass only one of them"
            raise UsageError(f"extend_to continues the finished run in its folder, but {wrong}")
    with (
        catch_signals(saved=out is not None) as stop,
        open_trainer(
            model,
            data,
            recipe,
            seed=seed,
            device=device,
            precision=precision,
            compile=compile,
            record=record,
            out=out,
            extend_to=extend_to,
            callbacks=[
                *standard_callbacks(
                    stop,
                    out=out,
                    checkpoint_every=checkpoint_every,
                    fresh=fresh,
                    extends=extend_to is not None,
                    progress=progress,
                    bar=True,
                ),
                *checked_callbacks(callbacks),
            ],
        ) as trainer,
    ):
        return trainer.run()
