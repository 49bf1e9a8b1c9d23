"""The callbacks that every run has, in the order in which their hooks must be called."""

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
    """Signals, finite check, row, save, log, test logits, record, progress.

    The order matters: several processes sum up, save and log together, and each of these waits for all of them. So
    all must learn of a signal, and find a loss that is not finite, before any of them saves; only then the row is kept,
    to be saved; and what is logged is saved already: also where a thread writes, since it keeps this order.

    Args:
        stop: filled by `catch_signals`, and shared by runs side by side.
        out: the run's folder; None keeps nothing on disk.
        checkpoint_every: save every so many steps too.
        fresh: set an old run in `out` aside.
        extends: the recipe extends a finished run in `out`.
        progress: show a line an epoch.
        bar: show a bar too, on a terminal.
    """
    callbacks: list[Callback] = [StopOnSignal(stop), FiniteCheck(), History()]
    if out is not None:
        folder = user_path(out)
        callbacks += [Checkpointing(folder, checkpoint_every, fresh=fresh, extends=extends), LogFile(folder)]
        callbacks += [KeptLogits(folder), RecordFile(folder)]
    if progress:
        callbacks.append(ProgressBar(bar=bar))
    return callbacks
