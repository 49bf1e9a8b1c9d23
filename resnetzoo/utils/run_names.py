"""The names of the files that a run keeps in its folder, which nothing else may overwrite."""

from pathlib import Path

from resnetzoo.errors import UsageError
from resnetzoo.utils.files import is_there

CHECKPOINT = "checkpoint.pt"
PREVIOUS = "checkpoint.previous.pt"
DAMAGED = "checkpoint.damaged.pt"
LOG_FILE = "log.jsonl"
LOGITS_FILE = "test_logits.safetensors"
RUN_FILE = "run.json"

STATES = (CHECKPOINT, PREVIOUS, DAMAGED)
RESULTS = (LOG_FILE, LOGITS_FILE, RUN_FILE)


def check_no_run_file(path: Path) -> None:
    """Refuse to write an export or weights over a file of a run, of the exported run or another.

    A file with such a name belongs to the user rather than to a run if no training state or `run.json` is beside it.

    Raises:
        UsageError: there is such a file, and there are others of a run beside it.
    """
    others = [name for name in (*STATES, RUN_FILE) if name != path.name and is_there(path.with_name(name))]
    if path.name in (*STATES, *RESULTS) and is_there(path) and others:
        raise UsageError(f"{path} is a file of the run whose {others[0]} is beside it: choose another name or folder")
