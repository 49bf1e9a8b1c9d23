"""The test logits of a finished run, beside its record."""

from pathlib import Path

from resnetzoo.evaluation.stored_logits import StoredLogits
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.logits_file import check_same_test, read_logits
from resnetzoo.training.results import Run
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.files import is_there
from resnetzoo.utils.run_names import LOGITS_FILE


class KeptLogits(Callback):
    """Writes the logits before `run.json` marks the run as finished, and reads those of a finished run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOGITS_FILE

    def on_fit_start(self, trainer: TrainerState) -> None:
        if trainer.finished:
            trainer.logits = trainer.context.from_rank_zero(
                lambda: self._read_own(trainer) if is_there(self.path) else None
            )

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        stored = run.logits
        if trainer.finished and trainer.logits is None and trainer.record is None and stored is not None:
            trainer.context.from_rank_zero(lambda: stored.save(self.path))

    def _read_own(self, trainer: TrainerState) -> StoredLogits:
        """The logits in the folder, after checking that they are of this run's last test.

        Raises:
            ResultsError: they are of another run.
        """
        stored = read_logits(self.path)
        check_same_test(stored, self.path, trainer.rows[-1])
        return stored
