"""The hooks of a training run."""

from collections.abc import Iterable

from resnetzoo.errors import UsageError
from resnetzoo.training.results import EpochRow, Run
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.text import kind_of


class Callback:
    """What to do beside training: derive from it, and override the hooks that you need; the others do nothing.

    Pass instances as `fit(..., callbacks=[...])`, each to one run. The hooks are called in the order of the list,
    after those of the package, so that a hook that raises loses nothing: the epoch's checkpoint is written by then, on
    CUDA at the latest when `fit` returns or raises. `trainer.wait_until_written()` is for a hook that reads the files.
    An exception in a hook ends the run and reaches the caller of `fit`, after `on_exception` of all callbacks.

    They run in every process of a run that several share. `trainer.context.is_main` is true in one of them, which
    should be the one that writes; a hook that raises must do so in all of them, or the others wait in vain.

    The device may be up to 60 steps behind when a hook is called, except at an epoch's end. `trainer.step`,
    `trainer.lr` and `trainer.metrics.images` are plain numbers; `trainer.metrics.loss` is a tensor on the device, and
    reading its value waits for the device. On CUDA the run's own stream is the current one inside a hook, so that such
    a read is safe.

    To end a run early, call `trainer.request_stop()`.
    """

    def on_fit_start(self, trainer: TrainerState) -> None:
        """Before the first step, once `trainer` stands where the run goes on: at step 0, or where it was stopped."""

    def on_step_end(self, trainer: TrainerState) -> None:
        """After each step; the time spent here counts as training."""

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        """After an epoch and its test, the device at rest; `row` has its results, over all processes."""

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        """After the last epoch, of a run that was finished before, and after an early stop; the network evaluates."""

    def on_exception(self, trainer: TrainerState, error: BaseException) -> None:
        """In place of `on_fit_end` where the run ends by an exception, Ctrl-C included; `error` is raised behind it."""


def checked_callbacks(callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """The callbacks that a caller gave, each of them one.

    Raises:
        UsageError: a callback alone, without a list around it, a class in place of an instance, or something else.
    """
    if isinstance(callbacks, Callback) or not isinstance(callbacks, Iterable):
        raise UsageError(f"callbacks must be a list of callbacks, not {kind_of(callbacks)}: write callbacks=[...]")
    given = tuple(callbacks)
    for callback in given:
        if isinstance(callback, type):
            raise UsageError(f"callbacks takes instances, not the class {callback.__name__}: {callback.__name__}(...)")
        if not isinstance(callback, Callback):
            raise UsageError(f"a callback derives from resnetzoo.Callback, and {kind_of(callback)} does not")
    return given
