"""JSON files with the SHA-256 of their own content, which shows whether they were edited by hand."""

import hashlib
import json
from pathlib import Path
from typing import Any

from resnetzoo.errors import ResultsError
from resnetzoo.utils.files import write_text
from resnetzoo.utils.strict_json import from_json, to_json, without_nonfinite

FINGERPRINT = "fingerprint"
MOVE_AWAY = "if a run or a report wrote it, move it away to have it made again"


def write_checksummed(path: Path, values: dict[str, Any]) -> None:
    """Write `values` as JSON, with a `fingerprint` of them; numbers that are not finite become null.

    Raises:
        OutputError: `path` cannot be written; an earlier file is unchanged.
    """
    write_text(path, to_json(with_checksum(without_nonfinite(values)), indent=1) + "\n")


def with_checksum(values: dict[str, Any]) -> dict[str, Any]:
    """The same values with their `fingerprint`."""
    return {**values, FINGERPRINT: _digest(values)}


def read_checksummed(path: Path) -> dict[str, Any]:
    """The values that `write_checksummed` wrote, without the fingerprint.

    Raises:
        ResultsError: the file is missing, is not JSON, has no fingerprint, or was changed since it was written.
    """
    try:
        values = from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ResultsError(f"{path}: no such results file") from error
    except IsADirectoryError as error:
        raise ResultsError(f"{path}: a folder, not a results file; {_instead_of(path)}") from error
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # also for bytes that are not text, and for numbers with thousands of digits
        raise ResultsError(f"{path}: not a results file, since it is not JSON ({error}); {MOVE_AWAY}") from error
    return verify_checksum(values, path)


def _instead_of(folder: Path) -> str:
    """What to do about a folder in place of a file of results."""
    if inside := sorted(folder.glob("*.json")):
        return f"give {' or '.join(map(str, inside))}"
    named_as_file = folder.suffix == ".json"
    return "move it away to have the file made" if named_as_file else "give a file, such as its run.json"


def verify_checksum(values: Any, path: Path) -> dict[str, Any]:
    """The values without their `fingerprint`, after checking it; `path` is where they were found, for the message.

    Raises:
        ResultsError: there is no fingerprint, or it belongs to other values.
    """
    if not isinstance(values, dict) or FINGERPRINT not in values:
        raise ResultsError(f"{path}: contains no fingerprint, so it is not a results file of this version; {MOVE_AWAY}")
    rest = {key: value for key, value in values.items() if key != FINGERPRINT}
    if values[FINGERPRINT] != _digest(rest):
        raise ResultsError(
            f"{path}: changed since it was written, its fingerprint no longer fits; "
            "put the original back, or move the file away to have it made again"
        )
    return rest


def _digest(values: dict[str, Any]) -> str:
    plain = json.loads(json.dumps(values))  # as JSON will be read: keys are strings, tuples are lists
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
