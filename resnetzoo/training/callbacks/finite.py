"""End a run whose loss or weights are infinite or NaN, before that state overwrites a good one."""

import math
from itertools import takewhile

import torch
from torch import nn

from resnetzoo.errors import NonFiniteLossError
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow, Run
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.run_names import CHECKPOINT

WHAT_TO_TRY = "try a lower lr, a clip_norm in the recipe, or another seed"


class FiniteCheck(Callback):
    """Ends a run at the end of an epoch whose training loss or weights are infinite or NaN.

    The test of a sound run may overflow while the running statistics of a deep plain network lag behind its first large
    steps. That is recorded like any other figure of the epoch, except in the last one: a run whose last test is not
    finite has no result.
    """

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        check_finite(trainer, row.train_loss, *largest_weights(trainer.model))

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        if trainer.finished and run.diverged:
            diverged = list(takewhile(lambda row: not math.isfinite(row.test_loss), reversed(run.epochs)))
            if len(diverged) == len(run.epochs):
                when = "in every epoch"
            elif len(diverged) == 1:
                when = f"in the last epoch, {diverged[0].epoch}"
            else:
                when = f"in every epoch since {diverged[-1].epoch}"
            raise NonFiniteLossError(
                f"{trainer.name}: the test loss is infinite or NaN {when}: the run has no result; {WHAT_TO_TRY}"
            )


def check_finite(trainer: TrainerState, *values: float) -> None:
    """Raise an error if one of these values is infinite or NaN.

    Raises:
        NonFiniteLossError: one is; the message states the step, the epoch, the learning rate, and the last good
            checkpoint.
    """
    found = next((value for value in values if not math.isfinite(value)), None)
    if found is not None:
        kept = f"the last good checkpoint is {trainer.out / CHECKPOINT}" if trainer.out else "nothing was saved"
        epoch = max(-(-trainer.step // trainer.steps_per_epoch), 1)
        raise NonFiniteLossError(
            f"{trainer.name}: the loss became {found} by step {trainer.step:,} at learning rate "
            f"{trainer.lr:g}, in epoch {epoch}: {WHAT_TO_TRY}; {kept}"
        )


def largest_weights(model: nn.Module) -> list[float]:
    """The largest magnitude in each parameter, infinite or NaN if a weight is; takes a few kernels and one read."""
    weights = [weight.detach() for weight in model.parameters() if weight.is_floating_point() and weight.numel()]
    if not weights:
        return []
    largest: list[float] = torch.stack(torch._foreach_max(torch._foreach_abs(weights))).tolist()
    return largest
