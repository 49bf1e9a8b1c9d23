"""`log.jsonl`: the finished epochs of a run, one JSON line each."""

from contextlib import nullcontext, suppress
from dataclasses import asdict
from pathlib import Path

from resnetzoo.errors import OutputError
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.files import write_atomically
from resnetzoo.utils.run_names import LOG_FILE
from resnetzoo.utils.strict_json import to_json


class LogFile(Callback):
    """Rewrites all finished epochs each time, so that none is missing or repeated after a run is resumed.

    An epoch appears in the log once its checkpoint is written: `trainer.files` writes both, in that order.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG_FILE

    def on_fit_start(self, trainer: TrainerState) -> None:
        """Bring the log up to where the run resumes; a finished run can be read without it, in a read-only folder."""
        if trainer.step:
            trainer.context.from_rank_zero(lambda: self._bring_to(_lines(trainer), finished=trainer.finished))

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        self._write(trainer)

    def _bring_to(self, content: bytes, *, finished: bool) -> None:
        if self._holds(content):
            return
        with suppress(OutputError) if finished else nullcontext():
            write_atomically(self.path, content)

    def _holds(self, content: bytes) -> bool:
        try:
            return self.path.read_bytes() == content
        except OSError:  # no log yet, or one that cannot be read, which writing will report
            return False

    def _write(self, trainer: TrainerState) -> None:
        content = _lines(trainer)
        trainer.context.from_rank_zero(lambda: trainer.files.submit(lambda: write_atomically(self.path, content)))


def _lines(trainer: TrainerState) -> bytes:
    rows = [{"model": trainer.name, "seed": trainer.seed, **asdict(row)} for row in trainer.rows]
    return "".join(f"{to_json(row)}\n" for row in rows).encode()
