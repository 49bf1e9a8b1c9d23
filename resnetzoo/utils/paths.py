"""Paths as users type them, and what is in the way of one."""

import os
import stat
from pathlib import Path

from resnetzoo.errors import UsageError


def user_path(path: str | os.PathLike[str]) -> Path:
    """`path` with a home folder in place of a `~` or `~name` at its beginning, as every function here takes paths.

    Where there is no user of that name, a file of it is meant, if there is one; `./~name` always means the file.

    >>> user_path("runs/a").as_posix()
    'runs/a'

    Raises:
        UsageError: neither a user nor a file has that name, this process has no home folder, or the path is empty.
    """
    word = os.fspath(path)
    if not word:
        raise UsageError('an empty path was given; the folder where you are is "."')
    if not word.startswith("~"):
        plain = Path(word)  # which has lost a "./"
        return plain.absolute() if plain.parts and plain.parts[0].startswith("~") else plain
    user = word.split("/")[0]
    expanded = os.path.expanduser(word)  # noqa: PTH111 (pathlib's raises without saying which)
    if expanded != word and not (user == "~" and os.environ.get("HOME") == ""):
        return Path(expanded)
    if user != "~" and os.path.lexists(word):  # as a shell gives it in place of a pattern
        return Path(word).absolute()
    missing = "this process has no home folder: set HOME" if user == "~" else f'there is no user "{user[1:]}"'
    raise UsageError(f"{word}: {missing}, or write ./{word} for a file of that name")


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
