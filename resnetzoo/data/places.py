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
_FOLDERS_LOOKED_INTO = 1_000  # of those below a folder without the dataset, which may be anybody's


class Published(Protocol):
    """What is known about a dataset as its authors publish it.

    Attributes:
        name, title: its word, and what people read.
        archives: the names of archives that hold all of it.
        fetched: the names of the files that a download brings.
        signs: paths of which one is in a folder that has it.
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
    """The folder that a person named, by `root` or by `$RESNETZOO_DATA`; None if nobody did.

    Raises:
        UsageError: no path, or one of the home folder of nobody.
    """
    word = root if root is not None else os.environ.get(DATA_VARIABLE) or None
    return None if word is None else user_path(word)


def search_folders(root: str | Path | None) -> list[Path]:
    """`root` alone, so that nobody gets other data than those named; without it, the variable's folder and the cache.

    Raises:
        UsageError: as `named_folder`; or nothing is named, and there is no home folder in which the cache would be.
    """
    named = named_folder(root)
    if root is not None and named is not None:
        return [named]
    if named is None:
        return [cache_folder()]
    with suppress(UsageError):  # no home folder, and no need of it where the named folder has the data
        return [named, cache_folder()]
    return [named]


def fetch_folder(root: str | Path | None) -> Path:
    """Where a download goes: into `root`, or else the cache, and never where the variable points."""
    return cache_folder() if root is None else user_path(root)


def check_named(root: str | Path | None, info: Published) -> None:
    """Refuse a named place that is not there, is a file, or holds the dataset somewhere below.

    Raises:
        DataNotFoundError: says which it is, and what to type instead.
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
        f'"resnetzoo data --dataset {info.name} --data-dir {shlex.quote(str(folder))} --download"'
    )


def check_no_file(root: str | Path | None) -> None:
    """Refuse a file where a folder is meant, also one that would be made.

    Raises:
        DataNotFoundError: says which file it is, and what to type instead.
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
    """Let what cannot be read inside the block be an error that names what is there and refuses.

    Raises:
        DataError: in place of any `OSError` that is not an error of this package.
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
    """The error where none of the folders has the dataset: what there is instead, and how to get it."""
    instead = what_is_there(folders[0], info, others) if named_folder(root) is not None else ""
    return DataNotFoundError(
        f"{info.title} is not in {', '.join(str(folder) for folder in folders)}; {f'{instead}; or ' if instead else ''}"
        f'download it with "resnetzoo data --dataset {info.name} --download", or put {" and ".join(info.fetched)} '
        f"in a folder and name it with --data-dir or ${DATA_VARIABLE}"
    )


def what_is_there(folder: Path, info: Published, others: Sequence[Published]) -> str:
    """What a folder without the dataset has instead, and what to type for it; empty if nothing that is known.

    Args:
        folder: where it is not.
        info: the dataset that is looked for.
        others: those that people take for it.
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
    """Two levels of them, without hidden ones and those that may not be read, and not without end."""
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
