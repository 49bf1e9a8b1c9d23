"""A lock on a file, the system's: it ends with its process, however that ends. Some file systems have none."""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


def try_lock(lock: FileLock, seconds: float) -> bool:
    """Whether the lock is held now; False where there are no locks, or nothing can be written.

    Raises:
        Timeout: another process has held it for so long.
    """
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise
    except (OSError, NotImplementedError):
        return False
    return True


def unlock(lock: FileLock) -> None:
    """Let go of a lock that is held, and delete its file: those who wait for it see that, and make it anew."""
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()
