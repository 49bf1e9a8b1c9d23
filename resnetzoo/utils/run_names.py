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
    """Refuse to write an export or weights over a file of a run, be it the exported one or another.

    Raises:
        UsageError: there is a file with one of these names.
    """
    if path.name in (*STATES, *RESULTS) and is_there(path):
        raise UsageError(f"{path} is there already, under a name that fit gives to the files of a run: choose another")
