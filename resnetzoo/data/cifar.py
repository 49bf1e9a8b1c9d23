"""Find CIFAR-10 and CIFAR-100, unpacked or packed, in a named folder or in the cache, or download them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from resnetzoo.data.archives import DamagedArchiveError, read_archive
from resnetzoo.data.archives import download as download_archive
from resnetzoo.data.cifar_files import CIFAR10, CIFAR100, CIFAR100_COARSE, DatasetInfo
from resnetzoo.data.cifar_reader import check_presence, read_folder
from resnetzoo.data.pair import Data
from resnetzoo.data.places import (
    check_named,
    check_no_file,
    fetch_folder,
    named_folder,
    not_found,
    reading,
    search_folders,
    what_is_there,
)
from resnetzoo.errors import DataError, DataNotFoundError, DownloadError
from resnetzoo.utils.paths import is_file
from resnetzoo.utils.validation import check_choice

_CONFUSED = (CIFAR10, CIFAR100)  # people may name the folder of the other one


def cifar10(root: str | Path | None = None, *, download: bool = False) -> Data:
    """CIFAR-10: 50,000 training and 10,000 test images, uint8 (N, 3, 32, 32), in 10 classes.

    It is looked for in `root` or, if that is None, in the folder that `$RESNETZOO_DATA` names and then in the user's
    cache. Such a folder may contain the files themselves, the folder `cifar-10-batches-bin` or `cifar-10-batches-py`
    that the official archives unpack to, or one of these archives, whose checksum is verified.

    Args:
        root: the folder to look in.
        download: whether to download the dataset if it is not found: 170 MB, into `root`, which is created if
            necessary, or else into the cache. The archive is verified and unpacked.

    Raises:
        DataNotFoundError: the dataset was not found and `download` is off, or `$RESNETZOO_DATA` names a folder that
            does not exist.
        DownloadError: no mirror delivered it.
        DataError: a file is missing, truncated or garbage, or has a label out of range; the message names it.

    Warns:
        UnofficialDataWarning: the contents are not the published ones.
    """
    return _find_or_fetch(CIFAR10, root) if download else _find(CIFAR10, root)


def cifar100(root: str | Path | None = None, *, download: bool = False, labels: str = "fine") -> Data:
    """CIFAR-100: like `cifar10`, with the 100 fine classes or the 20 coarse ones.

    Its folders are called `cifar-100-binary` and `cifar-100-python`.

    Args:
        root: as in `cifar10`.
        download: as in `cifar10`.
        labels: `fine` or `coarse`.

    Raises:
        UsageError: `labels` is neither of these.
        DataError: as in `cifar10`, including its subclasses `DataNotFoundError` and `DownloadError`.
    """
    check_choice("labels", labels, ("fine", "coarse"))
    info = CIFAR100_COARSE if labels == "coarse" else CIFAR100
    return _find_or_fetch(info, root) if download else _find(info, root)


def load_published(name: str, root: str | Path | None) -> Data:
    """`cifar10`, `cifar100` or `cifar100-coarse`, found, or downloaded into an existing folder.

    A folder that does not exist is not created, because it may have been named by mistake.

    Raises:
        DataError: as in `cifar10`; its subclass `DataNotFoundError` also if the named folder does not exist, contains
            another dataset, or has this one in a subfolder.
    """
    info = {published.name: published for published in (CIFAR10, CIFAR100, CIFAR100_COARSE)}[name]
    check_named(root, info)
    folders = search_folders(root)
    if named_folder(root) is not None and not _is_in(folders, info):
        instead = what_is_there(folders[0], info, _CONFUSED)
        if instead:
            raise DataNotFoundError(f"{info.title} is not in {folders[0]}: {instead}")
    return _find_or_fetch(info, root)


def _find(info: DatasetInfo, root: str | Path | None) -> Data:
    check_named(root, info)
    folders = search_folders(root)
    found = _read_first(info, folders)
    if found is not None:
        return found
    raise not_found(info, folders, root, _CONFUSED)


def _find_or_fetch(info: DatasetInfo, root: str | Path | None) -> Data:
    check_no_file(root)
    if root is None:
        check_named(None, info)
    folders = search_folders(root)
    damaged = ""
    try:
        found = _read_first(info, folders)
    except DamagedArchiveError as error:
        found, damaged = None, f"{error}; and "
    if found is not None:
        return found
    archive_format = info.formats[-1]  # what the archive holds
    try:
        folder = download_archive(info.archive, archive_format, fetch_folder(root))
    except DownloadError as error:
        raise type(error)(f"{damaged}{error}") from error
    return read_folder(folder, info, archive_format)


def _read_first(info: DatasetInfo, folders: Sequence[Path]) -> Data | None:
    """Read the dataset from the first folder that has it; None if none of them does.

    Raises:
        DataError: it is damaged, or cannot be read.
        DamagedArchiveError: the folder has only an archive of it, which is not the published one.
    """
    for folder in folders:
        with reading(folder):
            place = _place(folder, info)
            if place is not None:
                return place()
    return None


def _is_in(folders: Sequence[Path], info: DatasetInfo) -> bool:
    for folder in folders:
        with reading(folder):
            if _place(folder, info) is not None:
                return True
    return False


def _place(folder: Path, info: DatasetInfo) -> Callable[[], Data] | None:
    """A function that reads the dataset from `folder`; None if nothing of it is there.

    It reads complete files or else an archive. If there are only some of the files, it raises an error that says so.
    """
    present = [
        (inside, archive_format)
        for archive_format in info.formats
        for inside in (folder / archive_format.folder, folder)
        if any(is_file(inside / file.name) for file in archive_format.files)
    ]
    for inside, archive_format in present:
        try:
            check_presence(inside, info, archive_format)
        except DataError:
            continue
        return partial(read_folder, inside, info, archive_format)
    for packed in info.packed:
        if is_file(folder / packed.name):
            return partial(read_archive, folder / packed.name, info, packed)
    return partial(read_folder, present[0][0], info, present[0][1]) if present else None
