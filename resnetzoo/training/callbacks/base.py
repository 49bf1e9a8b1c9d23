"""The hooks of a training run."""

from collections.abc import Iterable

from resnetzoo.errors import UsageError
from resnetzoo.training.results import EpochRow, Run
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.text import kind_of


class Callback:
    """Actions to run during training: derive from this class and override the hooks you need; the others do nothing.

    Pass instances as `fit(..., callbacks=[...])`, each to only one run. The hooks are called in the order of the list,
    after those of the package, so that a hook that raises loses nothing: the epoch's checkpoint has been written by
    then, or on CUDA by the time `fit` returns or raises. A hook that reads the files must first call
    `trainer.wait_until_written()`. An exception in a hook ends the run and reaches the caller of `fit`, after
    `on_exception` of all callbacks.

    If several processes share a run, the hooks run in each of them. `trainer.context.is_main` is true in only one,
    which should do the writing. A hook that raises must do so in all processes, or the others wait forever.

    The device may be up to 60 steps behind when a hook is called, except at an epoch's end. `trainer.step`,
    `trainer.lr` and `trainer.metrics.images` are plain numbers; `trainer.metrics.loss` is a tensor on the device, and
    reading its value waits for the device. On CUDA the run's own stream is the current one inside a hook, so that such
    a read is safe.

    Change weights in `on_step_end`: in `on_epoch_end`, the epoch has been tested and saved. Settings of modules, such
    as the `p` of a dropout, that are changed at an epoch's end hold from the next epoch on.

    To end a run early, call `trainer.request_stop()`.
    """

    def on_fit_start(self, trainer: TrainerState) -> None:
        """Called before the first step, with `trainer` at the step where the run starts or resumes."""

    def on_step_end(self, trainer: TrainerState) -> None:
        """Called after each step; the time spent here counts as training."""

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        """Called after an epoch and its test, when the device is idle; `row` has the results over all processes."""

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        """Called after the last epoch, for a finished run, or after an early stop; `model` is in evaluation mode."""

    def on_exception(self, trainer: TrainerState, error: BaseException) -> None:
        """Called if an exception ends the run, Ctrl-C included, but not after `on_fit_end` has returned.

        `error` is raised after it.
        """


def checked_callbacks(callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """The callbacks that a caller passed, after checking that each is a `Callback`.

    Raises:
        UsageError: a single callback outside a list, a class instead of an instance, or anything else.
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
