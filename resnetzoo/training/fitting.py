"""`fit`: a network, data and a recipe in; one row an epoch and a checkpoint out.

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
    """Train `model` in place from the weights that it has.

    With `out`, the folder gets `checkpoint.pt` at each epoch's end, `log.jsonl` with a line an epoch, and at the end
    `test_logits.safetensors`, which `load_logits` reads, and `run.json`. Called again with the same arguments, the
    network with weights of the same seed, the run goes on from its checkpoint; on a CPU in fp32 it ends with the same
    weights, bit for bit, as one never stopped. A run that is finished is read, not repeated; with `extend_to` it goes
    on for more epochs, by `Recipe.extended_to`, and what it had come to is kept in a folder in `out`, such as
    `until-epoch-20`.

    Where the recipe has `ema_decay`, the tests, the logits, `run.model` and what `load_checkpoint(out)` gives are the
    network with the average of the weights; the checkpoint holds those that learn beside it.

    On CUDA a thread writes while training goes on, the log behind the checkpoint; whatever ends the run, `fit` returns
    or raises once all is written.

    The training set lies on the device and batches are cut there. On CUDA a step is recorded once as a graph and
    replayed, and the run is at most 60 steps ahead of the device; where a step of a network from elsewhere asks for a
    value, or lets Python have a say, each is carried out instead, and a warning gives the reason. Under `torchrun` the
    processes share each batch: batch size, batch norm and, up to rounding, results are those of one process. They begin
    with the weights of the first one, which writes.

    Args:
        model: images (N, C, H, W) -> logits (N, classes), such as one from `create`. Of a network in `nn.DataParallel`,
            `DistributedDataParallel`, `AveragedModel`, an `nn.Sequential` of it alone, or compiled by `torch.compile`,
            the network inside is trained, as if it were given itself.
        data: what to learn from and to measure on.
        recipe: how; see `resnetzoo.recipes`.
        seed: of the order of the images and their augmentation; fresh weights have their own in `create`.
        device: `auto` (cuda, mps, cpu: the first there is) or a device's name.
        precision: `fp32`, `bf16` (autocast), or `auto`: bf16 where the hardware has it.
        compile: compile the step with `torch.compile`; None does so where the run is long enough to gain from it.
        record: record the step on CUDA. None does so unless something in it waits for the device or depends on Python;
            True vouches that what Python does may stay as it was in the recorded step.
        out: the run's folder; None keeps nothing on disk.
        checkpoint_every: save every so many steps too.
        fresh: begin anew in a used `out`: what is in it is moved to a folder beside it, `out-old1`, and never deleted.
        extend_to: epochs in all to which the finished run in `out` goes on; the other arguments are those that it was
            begun with. Called again, it goes on from where it was, or reads the extended run.
        progress: show a bar and a line an epoch.
        callbacks: called after each step and epoch, at the start and at the end; see `resnetzoo.Callback`.

    Raises:
        UsageError: an argument outside its range, or a network for other images or fewer classes, or whose weights are
            not float32 or were made inside `torch.inference_mode()`, or that was scripted. With `out`, a network of
            this package changed so that no file could say it, as with several layers for `fc`, or inside a module that
            computes more.
            Under `torchrun` also processes that were started for different runs. With `extend_to`, a folder without a
            run, with one that is not finished, or with one of as many epochs.
        DeviceError: a device that is not here.
        CheckpointMismatchError: `out` holds a run of another spec, recipe, seed, data or precision, or one that
            began with other weights, or with others frozen.
        CheckpointError: `out` holds only damaged checkpoints.
        ResultsError: `out` holds a finished run whose record was changed by hand.
        OutputError: another process writes to `out`, or it cannot be written; what was saved stays. On CUDA the latter
            is raised by the next step at the latest.
        NonFiniteLossError: the loss is infinite or NaN, or that of the last test; the last good checkpoint stays.
        RecordingError: the step could not be recorded on CUDA; start again with `record=False`.
        TrainingInterrupted: Ctrl-C, SIGTERM, SIGHUP or SIGUSR1; the step was finished and saved.

    Warns:
        UserWarning: with `out`, the network has hooks on its forward pass, which its checkpoints do not keep. Under
            `torchrun`, a process came with other weights than the first one, whose weights all begin with.
    """
    if checkpoint_every is not None:
        check_whole_number("checkpoint_every", checkpoint_every)
    if extend_to is not None:
        check_whole_number("extend_to", extend_to)
        if out is None or fresh:
            wrong = "without out= nothing was kept" if out is None else "fresh (--fresh) begins anew: give one of them"
            raise UsageError(f"extend_to (--extend-to) goes on with the finished run in out, and {wrong}")
    with (
        catch_signals() as stop,
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
