"""Processes that would all fetch the same thing into a folder do so one after the other."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_SAY_AFTER = 3.0  # seconds
_WAIT = 900.0  # seconds; whoever waits longer goes on beside the other, in files of its own


@contextmanager
def taking_turns(path: Path) -> Iterator[None]:
    """Let one process at a time into the block, by a lock file beside `path` that ends with the process.

    The lock saves a second download, and no more: what is written inside must have an `own_name` and be renamed in the
    end. So a folder on which nothing can be locked is no obstacle.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    locked = _acquire(lock, path)
    try:
        yield
    finally:
        if locked:
            with suppress(OSError):
                Path(lock.lock_file).unlink()  # those who wait for it see that it is gone, and make it anew
            lock.release()


def _acquire(lock: FileLock, path: Path) -> bool:
    try:
        lock.acquire(timeout=_SAY_AFTER)
    except Timeout:
        print(f"another process is fetching {path.name}: waiting for it", file=sys.stderr)
    except (OSError, NotImplementedError):
        return False
    else:
        return True
    try:
        lock.acquire(timeout=_WAIT)
    except (OSError, NotImplementedError):
        return False
    return True
