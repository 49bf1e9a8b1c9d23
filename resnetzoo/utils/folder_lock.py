"""A lock that lets one process at a time write into a folder; it ends with its process, and names it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from resnetzoo.errors import OutputError
from resnetzoo.utils.own_files import host_name, is_alive
from resnetzoo.utils.system_lock import try_lock, unlock

_LOCK = ".run.lock"
_OWNER = ".run.owner.json"
_PATIENCE = 0.5  # seconds: a process that only reads a finished run is done by then


@dataclass(frozen=True)
class Owner:
    """The process that writes into a folder.

    Attributes:
        host: the name of its machine.
        pid: its number there.
        started: by the machine's clock ticks, so that another process with the same number is told from it; None where
            the system does not say.
        since: when it took the folder, in UTC.
    """

    host: str
    pid: int
    started: int | None
    since: str

    def __str__(self) -> str:
        own = ", this one," if (self.host, self.pid) == (host_name(), os.getpid()) else ""
        return f"process {self.pid}{own} on {self.host} since {self.since}"

    @classmethod
    def now(cls) -> "Owner":
        """The process that asks."""
        since = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        return cls(host_name(), os.getpid(), _started(os.getpid()), since)

    @classmethod
    def read(cls, path: Path) -> "Owner | None":
        """What a process has written; None where there is nothing, or not yet all of it."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def has_ended(self) -> bool:
        """Whether this machine knows that it runs no longer."""
        if self.host != host_name():
            return False
        return not is_alive(self.pid) or self.started != _started(self.pid)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let no other process, and no other call in this one, into such a block of the same folder, which is made.

    The lock is the system's and ends with the process, however that ends. On file systems without locks what the other
    process has written decides: it counts as ended where this machine knows so. Nothing waits longer than a moment.
    A folder that cannot be written is not locked either; whoever writes there says why.

    Raises:
        OutputError: another process is in it, which the message names.
    """
    owner_file = folder / _OWNER
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    held = _acquire(lock, folder)
    try:
        other = Owner.read(owner_file)
        if not held and other is not None and not other.has_ended:
            raise _in_use(folder, f"; if that has ended, delete {owner_file}")
        with suppress(OSError):
            owner_file.write_text(json.dumps(asdict(Owner.now())))
        try:
            yield
        finally:
            with suppress(OSError):
                owner_file.unlink()
    finally:
        if held:
            unlock(lock)


def _acquire(lock: FileLock, folder: Path) -> bool:
    """Whether the lock is held now; False where there are no locks, or nothing can be written.

    Raises:
        OutputError: another has it.
    """
    try:
        return try_lock(lock, _PATIENCE)
    except Timeout as error:
        raise _in_use(folder, "") from error


def _in_use(folder: Path, cure: str) -> OutputError:
    owner = Owner.read(folder / _OWNER) or "another process"
    return OutputError(
        f"{folder} is in use: {owner} writes there. Wait for it, end it, or choose another folder with --out{cure}"
    )


def _started(pid: int) -> int | None:
    """When a process started, where Linux says so: field 22 of its `stat`, behind a name that may hold anything."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
