"""The test logits of a finished run, beside its record."""

from pathlib import Path

from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.logits_file import LOGITS_FILE, read_logits
from resnetzoo.training.results import Run
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.files import is_there


class KeptLogits(Callback):
    """Writes the logits before `run.json` marks the run as finished, and reads those of a finished run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOGITS_FILE

    def on_fit_start(self, trainer: TrainerState) -> None:
        if trainer.finished:
            trainer.logits = trainer.context.from_rank_zero(
                lambda: read_logits(self.path) if is_there(self.path) else None
            )

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        stored = run.logits
        if trainer.finished and trainer.logits is None and trainer.record is None and stored is not None:
            trainer.context.from_rank_zero(lambda: stored.save(self.path))
