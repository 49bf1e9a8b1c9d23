"""The callbacks of every run, in the order in which their hooks must be called."""

from pathlib import Path

from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.callbacks.checkpointing import Checkpointing
from resnetzoo.training.callbacks.finite import FiniteCheck
from resnetzoo.training.callbacks.history import History
from resnetzoo.training.callbacks.kept_logits import KeptLogits
from resnetzoo.training.callbacks.log_file import LogFile
from resnetzoo.training.callbacks.progress import ProgressBar
from resnetzoo.training.callbacks.record_file import RecordFile
from resnetzoo.training.callbacks.signals import StopOnSignal, StopRequest
from resnetzoo.utils.paths import user_path


def standard_callbacks(
    stop: StopRequest,
    *,
    out: str | Path | None = None,
    checkpoint_every: int | None = None,
    fresh: bool = False,
    extends: bool = False,
    progress: bool = False,
    bar: bool = False,
) -> list[Callback]:
    """The standard callbacks: signals, finite check, row, checkpoint, log, test logits, record, progress.

    The order matters. Several processes sum up, save and log together, and each of these operations waits for all
    processes, so all must learn of a signal or of a loss that is not finite before any of them saves. Only then is the
    row kept, to be saved with the checkpoint. An epoch is logged after its checkpoint is saved; a thread that writes
    keeps this order.

    Args:
        stop: filled by `catch_signals`, and shared by runs side by side.
        out: the run's folder; None keeps nothing on disk.
        checkpoint_every: also save after this many steps.
        fresh: set an old run in `out` aside.
        extends: the recipe extends a finished run in `out`.
        progress: print one line per epoch.
        bar: also show a bar, on a terminal.
    """
    callbacks: list[Callback] = [StopOnSignal(stop), FiniteCheck(), History()]
    if out is not None:
        folder = user_path(out)
        callbacks += [Checkpointing(folder, checkpoint_every, fresh=fresh, extends=extends), LogFile(folder)]
        callbacks += [KeptLogits(folder), RecordFile(folder)]
    if progress:
        callbacks.append(ProgressBar(bar=bar))
    return callbacks
