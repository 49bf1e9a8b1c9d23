"""The rows of a run: one for each finished epoch."""

from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow
from resnetzoo.training.trainer_state import TrainerState


class History(Callback):
    """Keeps each epoch's row in `trainer.rows`.

    It comes after the finite check, so that a run which fails there has no row of that epoch, and before all that
    saves rows.
    """

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        trainer.rows.append(row)
