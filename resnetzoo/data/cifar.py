"""CIFAR-10 and CIFAR-100 from wherever they are: the given folder, `$RESNETZOO_DATA`, the cache, a mirror."""

import os
from pathlib import Path

from resnetzoo.data.archives import download as download_archive
from resnetzoo.data.cifar_files import CIFAR10, CIFAR100, ArchiveFormat, DatasetInfo
from resnetzoo.data.cifar_reader import check_presence, read_folder
from resnetzoo.data.image_set import Data
from resnetzoo.errors import DataError, DataNotFoundError
from resnetzoo.utils.download import cache_folder

DATA_VARIABLE = "RESNETZOO_DATA"


def cifar10(root: str | Path | None = None, *, download: bool = False) -> Data:
    """CIFAR-10: 50,000 training and 10,000 test images, uint8 (N, 3, 32, 32), in 10 classes.

    Looked for in `root`, then in the folder that `$RESNETZOO_DATA` names, then in the user's cache: in each, the
    files themselves or the folder `cifar-10-batches-bin` or `cifar-10-batches-py` that the official archives unpack to.

    Args:
        root: a folder.
        download: if it is nowhere, fetch 170 MB (into `root`, or the cache), verify and unpack it.

    Raises:
        DataNotFoundError: it is nowhere, and `download` is off.
        DownloadError: no mirror delivered it.
        DataError: a file is missing, truncated, garbage, or has a label out of range; the message names it.

    Warns:
        UnofficialDataWarning: the contents are not the published ones.
    """
    return _load(CIFAR10, root, download)


def cifar100(root: str | Path | None = None, *, download: bool = False) -> Data:
    """CIFAR-100: as `cifar10`, with the 100 fine classes; folders `cifar-100-binary` or `cifar-100-python`.

    Args:
        root: as in `cifar10`.
        download: as in `cifar10`.

    Raises:
        DataError: as in `cifar10`, and so its kinds `DataNotFoundError` and `DownloadError`.
    """
    return _load(CIFAR100, root, download)


def _load(info: DatasetInfo, root: str | Path | None, download: bool) -> Data:
    folders = _search_folders(root)
    for folder in folders:
        found = _find(folder, info)
        if found:
            return read_folder(*found)
    if not download:
        raise DataNotFoundError(
            f"{info.title} is not in {', '.join(str(folder) for folder in folders)}; download it with "
            f'"resnetzoo data --dataset {info.name} --download", or unpack {info.archive.name} '
            f"in a folder and name it with --data-dir or ${DATA_VARIABLE}"
        )
    archive_format = info.formats[-1]  # what the archive holds
    folder = download_archive(info.archive, archive_format, folders[0] if root else cache_folder())
    return read_folder(folder, info, archive_format)


def _search_folders(root: str | Path | None) -> list[Path]:
    variable = os.environ.get(DATA_VARIABLE)
    named = [Path(folder).expanduser() for folder in (root, variable) if folder]
    return [*named, cache_folder()]


def _find(folder: Path, info: DatasetInfo) -> tuple[Path, DatasetInfo, ArchiveFormat] | None:
    """The folder and format in `folder`: a complete one, or else an incomplete one, whose reader will complain."""
    present = [
        (inside, info, archive_format)
        for archive_format in info.formats
        for inside in (folder / archive_format.folder, folder)
        if any((inside / file.name).is_file() for file in archive_format.files)
    ]
    for found in present:
        try:
            check_presence(*found)
        except DataError:
            continue
        return found
    return present[0] if present else None
