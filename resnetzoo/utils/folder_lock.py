"""A lock that lets one process at a time write to a folder; it ends with its process, and names the process."""

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
from resnetzoo.utils.strict_json import from_json
from resnetzoo.utils.system_lock import try_lock, unlock

_LOCK = ".run.lock"
_OWNER = ".run.owner.json"
_PATIENCE = 0.5  # seconds: a process that only reads a finished run is done by then


@dataclass(frozen=True)
class Owner:
    """The process that writes to a folder.

    Attributes:
        host: the name of its machine.
        pid: its number there.
        started: its start in the machine's clock ticks, which distinguishes it from another process with the same
            number; None if the system does not tell.
        since: when it locked the folder, in UTC.
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
        """The present process as an owner."""
        since = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        return cls(host_name(), os.getpid(), _started(os.getpid()), since)

    @classmethod
    def read(cls, path: Path) -> "Owner | None":
        """The owner that a process has written; None if nothing is written, or not yet all of it."""
        try:
            return cls(**from_json(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def has_ended(self) -> bool:
        """Whether it is certain that the process has ended, as far as this machine can tell."""
        if self.host != host_name():
            return False
        return not is_alive(self.pid) or self.started != _started(self.pid)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes, and other calls in this one, out of such a block for the same folder; creates the folder.

    The lock is one of the operating system and ends with the process, however that ends. On file systems without locks
    the file that the other process has written decides; that process counts as ended if this machine can tell. Nothing
    waits longer than a moment. A folder that cannot be written is not locked either; the code that writes there reports
    why.

    Raises:
        OutputError: another process uses the folder; the message names it.
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
    """Take the lock and return whether it is held now; False if there are no locks, or nothing can be written.

    Raises:
        OutputError: another process holds it.
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
    """When a process started, on Linux: field 22 of its `stat`, after a name that may contain any character."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
