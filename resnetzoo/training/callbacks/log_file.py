"""`log.jsonl`: the finished epochs of a run, one JSON line each."""

from dataclasses import asdict
from pathlib import Path

from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.files import write_atomically
from resnetzoo.utils.strict_json import to_json

LOG_FILE = "log.jsonl"


class LogFile(Callback):
    """Rewrites all finished epochs each time, so that none is missing or repeated after a run is resumed.

    An epoch appears in the log once its checkpoint is written: `trainer.files` writes both, in that order.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG_FILE

    def on_fit_start(self, trainer: TrainerState) -> None:
        if trainer.step:
            self._write(trainer)

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        self._write(trainer)

    def _write(self, trainer: TrainerState) -> None:
        lines = [to_json({"model": trainer.name, "seed": trainer.seed, **asdict(row)}) for row in trainer.rows]
        content = "".join(f"{line}\n" for line in lines).encode()
        trainer.context.from_rank_zero(lambda: trainer.files.submit(lambda: write_atomically(self.path, content)))
