"""Where to look for a dataset: in the given folder, or else in `$RESNETZOO_DATA` and the cache."""

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from resnetzoo.data.cifar_files import CIFAR10, CIFAR100
from resnetzoo.data.robustness_files import CIFAR10_C, CIFAR100_C
from resnetzoo.errors import DataError, DataNotFoundError, UsageError
from resnetzoo.utils.download import cache_folder
from resnetzoo.utils.paths import existing_obstacle, is_file, is_folder, user_path

DATA_VARIABLE = "RESNETZOO_DATA"
_FOLDERS_LOOKED_INTO = 1_000  # below a folder without the dataset, which may be any folder


class Published(Protocol):
    """What is known about a dataset as its authors publish it.

    Attributes:
        name, title: its name in commands and calls, and its name in texts.
        archives: the names of archives that contain all of it.
        fetched: the names of the files that a download brings.
        signs: paths that show that a folder has it.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def archives(self) -> tuple[str, ...]: ...
    @property
    def fetched(self) -> tuple[str, ...]: ...
    @property
    def signs(self) -> tuple[str, ...]: ...


def named_folder(root: str | Path | None) -> Path | None:
    """The folder that the user named, by `root` or by `$RESNETZOO_DATA`; None if there is neither.

    Raises:
        UsageError: it is not a path, or begins with `~` and there is no such user or no home folder.
    """
    word = root if root is not None else os.environ.get(DATA_VARIABLE) or None
    return None if word is None else user_path(word)


def search_folders(root: str | Path | None) -> list[Path]:
    """Only `root`, so that nobody gets data other than those named; without it, the variable's folder and the cache.

    Raises:
        UsageError: as in `named_folder`; or nothing is named, and there is no home folder for the cache.
    """
    named = named_folder(root)
    if root is not None and named is not None:
        return [named]
    if named is None:
        return [cache_folder()]
    with suppress(UsageError):  # no home folder, but the named folder may have the data
        return [named, cache_folder()]
    return [named]


def fetch_folder(root: str | Path | None) -> Path:
    """The folder to download into: `root`, or else the cache, and never the folder that the variable names."""
    return cache_folder() if root is None else user_path(root)


def check_named(root: str | Path | None, info: Published) -> None:
    """Refuse a named folder that does not exist or is a file.

    Raises:
        DataNotFoundError: says which of these it is, and what to do about it.
        DataError: it cannot be read.
    """
    check_no_file(root)
    folder = named_folder(root)
    if folder is None:
        return
    with reading(folder):
        if is_folder(folder):
            return
        linked = f" a link to {folder.readlink()}, which is" if folder.is_symlink() else ""
    raise DataNotFoundError(
        f"{_said(root, folder)} is{linked} missing; correct the path, or download {info.title} into it with "
        f"{download_command(info, folder)}"
    )


def check_no_file(root: str | Path | None) -> None:
    """Refuse a file in place of a folder, even of a folder that would be created.

    Raises:
        DataNotFoundError: names the file, and the folder to pass instead.
        DataError: it cannot be read.
    """
    folder = named_folder(root)
    if folder is None:
        return
    with reading(folder):
        if is_file(folder):
            raise DataNotFoundError(
                f"{_said(root, folder)} is {_file_kind(folder)}; pass the folder that contains it: {folder.parent}"
            )


def _said(root: str | Path | None, folder: Path) -> str:
    return str(folder) if root is not None else f"${DATA_VARIABLE} names {folder}, which"


@contextmanager
def reading(place: Path) -> Iterator[None]:
    """Convert a failure to read inside the block to an error that names the file or folder that denies access.

    Raises:
        DataError: replaces any `OSError` that is not a `DataError` already.
    """
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        refused = existing_obstacle(Path(error.filename or place))
        raise DataError(f"{refused} cannot be read: {error.strerror or error}") from error


def not_found(
    info: Published, folders: Sequence[Path], root: str | Path | None, others: Sequence[Published]
) -> DataNotFoundError:
    """The error if none of the folders has the dataset: it says what is there instead, and how to get the dataset."""
    instead = what_is_there(folders[0], info, others) if named_folder(root) is not None else ""
    return DataNotFoundError(
        f"{info.title} is not in {', '.join(str(folder) for folder in folders)}; {f'{instead}; or ' if instead else ''}"
        f"download it with {download_command(info, None if root is None else folders[0])}, or put "
        f"{' and '.join(info.fetched)} in a folder and name it with --data-dir or ${DATA_VARIABLE}"
    )


def download_command(info: Published, folder: Path | None) -> str:
    """The command, in quotes, that downloads a dataset into a folder, or into the cache if it is None."""
    where = "" if folder is None else f" --data-dir {shlex.quote(str(folder))}"
    return f'"resnetzoo data --dataset {info.name}{where} --download"'


def what_is_there(folder: Path, info: Published, others: Sequence[Published]) -> str:
    """What a folder without the dataset has instead, and what to pass to use that; empty if nothing known is found.

    Args:
        folder: the folder without it.
        info: the dataset that is looked for.
        others: datasets that people confuse with it.
    """
    with reading(folder):
        for other in others:
            if other is not info and _holds(folder, other):
                return f"{folder} holds {other.title}: --dataset {other.name}"
        below = next((inside for inside in _folders_below(folder) if _holds(inside, info)), None)
    return "" if below is None else f"{info.title} is in a subfolder, {below}: pass that folder"


def _holds(folder: Path, info: Published) -> bool:
    """Whether a folder has the dataset, packed or unpacked, or is itself what was unpacked."""
    inside = [sign.removeprefix(f"{folder.name}/") for sign in info.signs]
    return any(is_file(folder / sign) for sign in (*info.signs, *inside))


def _folders_below(folder: Path) -> Iterator[Path]:
    """The subfolders on two levels, without hidden and unreadable ones, up to a fixed number."""
    level, left = [folder], _FOLDERS_LOOKED_INTO
    for _ in range(2):
        level = [inside for above in level for inside in _readable_folders(above)][:left]
        left -= len(level)
        yield from level


def _readable_folders(folder: Path) -> list[Path]:
    with suppress(PermissionError):
        inside = [place for place in sorted(folder.iterdir()) if place.name[0] != "." and place.is_dir()]
        return [place for place in inside if os.access(place, os.R_OK | os.X_OK)]
    return []


def _file_kind(file: Path) -> str:
    known: Sequence[Published] = (CIFAR10, CIFAR100, CIFAR10_C, CIFAR100_C)
    for info in known:
        if file.name in info.archives:
            return f"the archive of {info.title}, a file"
    return "a file, not a folder"
