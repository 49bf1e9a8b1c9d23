"""A run whose loss or weights are infinite or NaN ends, before such a state is written over a good one."""

import math

from resnetzoo.errors import NonFiniteLossError
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.weights.checkpoint.training_state import CHECKPOINT


class FiniteCheck(Callback):
    """Ends a run at the end of an epoch whose training loss is infinite or NaN.

    The test may overflow in a run that is sound: while the running statistics of a deep plain network lag behind its
    first large steps. It is a figure of that epoch like any other.
    """

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        check_finite(trainer, row.train_loss)


def check_finite(trainer: TrainerState, *values: float) -> None:
    """Stop if one of these is infinite or NaN.

    Raises:
        NonFiniteLossError: with the step, the learning rate, and where the last good checkpoint is.
    """
    found = next((value for value in values if not math.isfinite(value)), None)
    if found is not None:
        kept = f"the last good checkpoint is {trainer.out / CHECKPOINT}" if trainer.out else "nothing was saved"
        raise NonFiniteLossError(
            f"{trainer.name}: the loss became {found} by step {trainer.step:,} at learning rate "
            f"{trainer.lr:g}: try a lower lr; {kept}"
        )
