"""Let processes that download the same file into a folder do so one after the other."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from resnetzoo.utils.system_lock import try_lock, unlock

_SAY_AFTER = 3.0  # seconds
_WAIT = 900.0  # seconds; a process that waits longer continues beside the other, in its own files


@contextmanager
def taking_turns(path: Path) -> Iterator[None]:
    """Let one process at a time into the block, by a lock file beside `path` that ends with the process.

    The lock only saves a second download: files written inside the block must have an `own_name` and be renamed at the
    end. So the block also runs if nothing can be locked in the folder.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    locked = _acquire(lock, path)
    try:
        yield
    finally:
        if locked:
            unlock(lock)


def _acquire(lock: FileLock, path: Path) -> bool:
    try:
        return try_lock(lock, _SAY_AFTER)
    except Timeout:
        print(f"another process is fetching {path.name}: waiting for it", file=sys.stderr)
    try:
        return try_lock(lock, _WAIT)
    except Timeout:
        return False
