"""The rows of a run: one for each finished epoch."""

from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow
from resnetzoo.training.trainer_state import TrainerState


class History(Callback):
    """Keeps each epoch's row in `trainer.rows`.

    It comes after the finite check, so that a run that fails there has no row for that epoch, and before everything
    that saves rows.
    """

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        trainer.rows.append(row)
