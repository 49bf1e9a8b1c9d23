"""The operating system's lock on a file, which ends with its process in every case. Some file systems have none."""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


def try_lock(lock: FileLock, seconds: float) -> bool:
    """Take the lock and return whether it is held now; False if there are no locks, or nothing can be written.

    Raises:
        Timeout: another process held it until the time-out.
    """
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise
    except (OSError, NotImplementedError):
        return False
    return True


def unlock(lock: FileLock) -> None:
    """Release a lock that is held, and delete its file; waiting processes notice that and create it again."""
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()
