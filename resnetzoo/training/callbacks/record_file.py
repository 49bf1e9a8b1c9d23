"""`run.json`: the record of a finished run."""

from pathlib import Path

from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import Run, read_own_record
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.checksummed_json import write_checksummed
from resnetzoo.utils.files import is_there
from resnetzoo.utils.run_names import RUN_FILE


class RecordFile(Callback):
    """Writes the record at the end; a run that was already finished keeps its record, with its commit and versions.

    A run that a callback stopped early gets no record, since `run.json` means that the whole recipe was carried out.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RUN_FILE

    def on_fit_start(self, trainer: TrainerState) -> None:
        if trainer.finished:
            trainer.record = trainer.context.from_rank_zero(
                lambda: read_own_record(self.path, trainer.rows) if is_there(self.path) else None
            )

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        if trainer.finished and trainer.record is None:
            trainer.context.from_rank_zero(lambda: write_checksummed(self.path, run.to_dict()))
