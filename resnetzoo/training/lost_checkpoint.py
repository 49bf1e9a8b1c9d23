"""A folder whose checkpoint is gone: a new run must not overwrite what is left there, which may be finished work."""

from pathlib import Path

from resnetzoo.errors import CheckpointError, ResultsError
from resnetzoo.training.results import read_record
from resnetzoo.training.run_folder import another_folder
from resnetzoo.utils.files import is_there
from resnetzoo.utils.run_names import CHECKPOINT, RESULTS, RUN_FILE


def check_nothing_left(folder: Path) -> None:
    """Refuse to begin a run in a folder that has no checkpoint, but other files that the run would overwrite.

    The checkpoint of a run is written before its other files, so no run of `fit` leaves such a folder behind.

    Raises:
        CheckpointError: there are such files; the message names them, and the run if its record is among them.
    """
    names = [name for name in RESULTS if is_there(folder / name)]
    if names:
        raise CheckpointError(
            f"{folder} holds {', '.join(names)}{_owner(folder)}, but no {CHECKPOINT}, so no run can be read or "
            f"resumed there, and a new one would overwrite what is left. {another_folder(folder)}"
        )


def _owner(folder: Path) -> str:
    """The run that the files belong to, if a record names it; a file called `run.json` may be anything."""
    try:
        record = read_record(folder / RUN_FILE)
    except ResultsError:
        return ""
    return f" of a finished run ({record.name}, {record.recipe.name}, seed {record.seed})"
