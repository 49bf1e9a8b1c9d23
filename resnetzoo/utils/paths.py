"""Paths as people write them, and what stands in the way to one."""

import os
import stat
from pathlib import Path

from resnetzoo.errors import UsageError


def user_path(path: str | os.PathLike[str]) -> Path:
    """`path` with its home folder in place of a `~` or `~name` at the beginning; `./~name` is a file of that name.

    Raises:
        UsageError: nobody has that name, this process has no home folder, or the path is empty.
    """
    word = os.fspath(path)
    if not word:
        raise UsageError('an empty path was given; the folder where you are is "."')
    if not word.startswith("~"):
        return Path(word)
    expanded = os.path.expanduser(word)  # noqa: PTH111 (pathlib's raises without saying which)
    if expanded == word:
        user = word.split("/")[0]
        missing = "this process has no home folder: set HOME" if user == "~" else f'there is no user "{user[1:]}"'
        raise UsageError(f"{word}: {missing}, or write ./{word} for a file of that name")
    return Path(expanded)


def is_file(path: Path) -> bool:
    """Whether a file is there; pathlib's answers no, too, where it may not look.

    Raises:
        OSError: it may not look.
    """
    mode = _mode(path)
    return mode is not None and stat.S_ISREG(mode)


def is_folder(path: Path) -> bool:
    """Whether a folder is there, in the same way.

    Raises:
        OSError: it may not look.
    """
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def existing_obstacle(path: Path) -> Path:
    """Of a path that may not be entered or read: the first folder on the way, or the file, that is there and refuses.

    A message that names it can be acted on, where `path` may not even be there.
    """
    way = [*reversed(path.absolute().parents), path]
    for place in way:
        if not os.access(place, os.X_OK if place.is_dir() else os.R_OK):
            return place
    return path
