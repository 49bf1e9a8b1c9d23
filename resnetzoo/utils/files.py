"""Files that are either the old one or the new one, never half of one."""

import os
from pathlib import Path

from resnetzoo.errors import OutputError


def write_atomically(path: Path, content: bytes, *, previous: Path | None = None) -> None:
    """Write to a temporary name beside `path`, then rename; what stood there goes to `previous`, if given.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full; `path` is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if previous is not None and path.exists():
                path.replace(previous)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free space or choose another folder"
        ) from error
