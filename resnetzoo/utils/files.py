"""Write files atomically: at any time there is the old file or the new one, never part of one."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from resnetzoo.errors import OutputError
from resnetzoo.utils.text import encodable

_END = ".tmp"


def is_there(path: Path) -> bool:
    """Whether something has this name, even a broken link.

    Raises:
        OSError: the name cannot be looked up, for example since access is denied or the disk fails.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_readable(path: Path) -> None:
    """Check that a file can be read from its first byte to its last.

    Raises:
        OSError: some of it cannot be read.
    """
    with path.open("rb") as file:
        read_to_end(file)


def read_to_end(file: IO[bytes]) -> None:
    """Read a file, or a part of an archive, and keep nothing of it: what cannot be read raises an error."""
    while file.read(1 << 20):
        pass


@contextmanager
def writing(path: Path, cure: str = "choose another folder") -> Iterator[None]:
    """Turn a failed write inside the block into an error that names `path` and says what to do.

    Raises:
        OutputError: in place of any `OSError`.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        space = "free space or " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise OutputError(f"cannot write {path}: {error.strerror or error}; {space}{cure}") from error


def check_writable(folder: Path) -> None:
    """Create the folder if it is missing, and check that a file can be written to it.

    Raises:
        OutputError: no file can be written to it.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()


def delete_unfinished(path: Path) -> None:
    """Delete partial files that killed processes left beside `path`, unless another process is writing it now."""
    with suppress(OSError):  # such a file costs disk space and nothing else
        for left in path.parent.iterdir():
            if left.name.startswith(_begin(path)) and left.name.endswith(_END):
                left.unlink()


def _begin(path: Path) -> str:
    """The prefix of the temporary names of `path`; a random number follows."""
    return f".{path.name}."


def _temporary(path: Path) -> Path:
    """A name that no other write uses, not even one of another thread, process or machine."""
    return path.parent / f"{_begin(path)}{secrets.token_hex(3)}{_END}"  # `with_name` refuses the path "."


def keep_as(path: Path, other: Path) -> None:
    """Give the file at `path` a second name in its folder, in place of an earlier file; it always keeps its first.

    Raises:
        OutputError, OSError: the folder cannot be written, or the disk is full; both files are as they were.
    """
    link = _temporary(other)
    try:
        link.hardlink_to(path)
        link.replace(other)
    except OSError:  # a file system without links
        write_atomically(other, path.read_bytes())
    finally:
        with suppress(OSError):
            link.unlink()  # a rename leaves it there if `other` is already the same file


def write_text(path: Path, text: str) -> None:
    """Write text in UTF-8, as `write_atomically` does; what UTF-8 cannot hold becomes a replacement character.

    Raises:
        OutputError: as in `write_atomically`.
    """
    write_atomically(path, encodable(text).encode())


def write_atomically(path: Path, content: bytes, *, previous: Path | None = None) -> None:
    """Write to a temporary name beside `path`, then rename it; an earlier file is kept as `previous`, if given.

    Raises:
        OutputError: the folder cannot be created or written, or the disk is full; `path` is unchanged.
    """
    temporary = _temporary(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if previous is not None and path.exists():
                keep_as(path, previous)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
