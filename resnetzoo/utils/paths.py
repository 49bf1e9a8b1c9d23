"""Paths as users type them, and the obstacle on a path that cannot be reached."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from resnetzoo.errors import UsageError
from resnetzoo.utils.text import brief, kind_of, shortened


def user_path(path: str | os.PathLike[str]) -> Path:
    """`path` with `~` or `~name` at its start replaced by a home folder, as in every function that takes a path.

    If no user has that name, `~name` means an existing file of that name; `./~name` always means the file.

    >>> user_path("runs/a").as_posix()
    'runs/a'

    Raises:
        UsageError: neither a user nor a file has that name, this process has no home folder, or the path is empty,
            longer than the system takes, with a NUL character or of another type.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"a path is a string or a pathlib.Path, not {kind_of(path)}")
    word = os.fspath(path)
    if not word:
        raise UsageError('an empty path was given; the folder where you are is "."')
    if not isinstance(word, str):
        raise UsageError(f"a path is a string or a pathlib.Path, not {kind_of(word)}: os.fsdecode makes one of it")
    _check_possible(word)
    if not word.startswith("~"):
        plain = Path(word)  # which drops a leading "./"
        return plain.absolute() if plain.parts and plain.parts[0].startswith("~") else plain
    user = word.split("/")[0]
    expanded = os.path.expanduser(word)  # noqa: PTH111 (pathlib's raises without saying which)
    if expanded != word and not (user == "~" and os.environ.get("HOME") == ""):
        return Path(expanded)
    if user != "~" and os.path.lexists(word):  # as a shell passes it for a pattern
        return Path(word).absolute()
    missing = "this process has no home folder: set HOME" if user == "~" else f'there is no user "{user[1:]}"'
    raise UsageError(f"{word}: {missing}, or write ./{word} for a file of that name")


def output_path(path: str | os.PathLike[str], suffixes: Sequence[str], contents: str) -> Path:
    """The path of a file to write; a name without one of the suffixes is refused before anything is computed.

    Args:
        path: as typed by the user; capital letters in its suffix are accepted if `suffixes` has a choice.
        suffixes: the suffixes that say what is written, such as `.png`.
        contents: what is written, in the plural.

    Raises:
        UsageError: the name ends in something else, or is that of a folder; or as `user_path`.
    """
    path = user_path(path)
    if (path.suffix.lower() if len(suffixes) > 1 else path.suffix) in suffixes:
        return path
    *others, last = suffixes
    listed = f"{', '.join(others)} or {last}" if others else last
    found = f"the folder {path}" if path.name in ("", "..") or path.is_dir() else path.name
    raise UsageError(f"{contents} are written to files that end in {listed}, not to {found}")


def _check_possible(word: str) -> None:
    """Refuse what can be the path of no file, for which functions of Python raise errors of several kinds."""
    if "\0" in word:
        raise UsageError(f"a path holds no NUL character, as {brief(word)} does: take it out")
    try:
        os.lstat(word)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(f"{shortened(word, 80)}: a path that is longer than this system takes") from None


def is_file(path: Path) -> bool:
    """Whether a file exists; pathlib's method also returns False if access is denied.

    Raises:
        OSError: the path cannot be looked up.
    """
    mode = _mode(path)
    return mode is not None and stat.S_ISREG(mode)


def is_folder(path: Path) -> bool:
    """Whether a folder exists, in the same way.

    Raises:
        OSError: the path cannot be looked up.
    """
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def existing_obstacle(path: Path) -> Path:
    """For a path that may not be read: the first existing folder on the way, or the file, that denies access.

    Users can act on a message that names it, while `path` itself may not even exist.
    """
    way = [*reversed(path.absolute().parents), path]
    for place in way:
        if not os.access(place, os.X_OK if place.is_dir() else os.R_OK):
            return place
    return path
