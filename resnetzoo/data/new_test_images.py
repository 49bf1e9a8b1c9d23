"""CIFAR-10.1: new test images for CIFAR-10, gathered as the old ones were."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resnetzoo.data.archives import download_as_it_is
from resnetzoo.data.array_checks import check_pixels, read_labels, read_pixels
from resnetzoo.data.checksums import checksum
from resnetzoo.data.cifar_reader import unofficial
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.in_place import OfficialField, TrueUntilChanged
from resnetzoo.data.npy_file import open_npy
from resnetzoo.data.places import (
    check_named,
    check_no_file,
    fetch_folder,
    not_found,
    reading,
    search_folders,
)
from resnetzoo.data.robustness_files import CIFAR10_1, NewTestInfo
from resnetzoo.errors import DataError
from resnetzoo.utils.paths import is_file
from resnetzoo.utils.validation import check_choice


@dataclass(frozen=True, eq=False, repr=False)
class NewTestImages(ImageSet):
    """CIFAR-10.1: an `ImageSet` that also says what it was read from.

    Attributes:
        title: its name in texts, such as `CIFAR-10.1 v6`.
        official: whether both files are as their authors published them; no longer once torch counts a change of images
            in place.
        source: the folder that they are in.
    """

    title: str
    if TYPE_CHECKING:
        official: bool
    else:
        official: bool = OfficialField()
    source: str

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "official", TrueUntilChanged(self.official, (self.images, self.labels)))


def cifar10_1(root: str | Path | None = None, *, version: str = "v6", download: bool = False) -> NewTestImages:
    """CIFAR-10.1: about 2,000 new test images for CIFAR-10, uint8 (N, 3, 32, 32) (arXiv:1806.00451).

    It is looked for like `cifar10`: `root`, or `$RESNETZOO_DATA` and the cache, may contain the two files of the
    version (`cifar10.1_v6_data.npy` and `cifar10.1_v6_labels.npy`), or the repository `CIFAR-10.1` with these files.

    Args:
        root: the folder to look in.
        version: `v6`, 2,000 images, 200 per class, which the authors recommend; or `v4`, 2,021 images, whose number
            differs between classes.
        download: whether to download the files if they are not found: 6 MB, into `root`, which is created if
            necessary, or else into the cache. The files are verified.

    Raises:
        UsageError: there is no such version.
        DataNotFoundError: the dataset was not found and `download` is off, or `$RESNETZOO_DATA` names a folder that
            does not exist.
        DownloadError: a file could not be downloaded.
        DataError: a file is missing, truncated, of another type or shape, or has a label out of range.

    Warns:
        UnofficialDataWarning: the contents are not the published ones.
    """
    check_choice("version", version, CIFAR10_1)
    info = CIFAR10_1[version]
    check_no_file(root)
    if root is None or not download:
        check_named(root, info)
    folders = search_folders(root)
    for folder in folders:
        for inside in (folder / name for name in info.folders):
            with reading(inside):
                if any(is_file(inside / name) for name in info.fetched):
                    return _read(inside, info)
    if not download:
        raise not_found(info, folders, root, tuple(CIFAR10_1.values()))
    target = fetch_folder(root)
    for file in (info.labels, info.images):
        download_as_it_is(file, target)
    with reading(target):
        return _read(target, info)


def _read(folder: Path, info: NewTestInfo) -> NewTestImages:
    missing = [name for name in info.fetched if not is_file(folder / name)]
    if missing:
        raise DataError(f"{folder}: {info.title} is incomplete; missing: {', '.join(missing)}")
    labels_file, pixels_file = open_npy(folder / info.labels.name), open_npy(folder / info.images.name)
    labels = read_labels(labels_file, info.title, len(info.classes))
    check_pixels(pixels_file, len(labels))
    parts = (info.images, info.labels)
    differing = [part.name for part in parts if checksum(folder / part.name, part.checksum) != part.checksum]
    if differing:
        begin = f"{folder} does not contain the official"
        warnings.warn(unofficial(begin, info.title, " and ".join(differing), len(differing)), stacklevel=3)
    return NewTestImages(
        read_pixels(pixels_file, 0, len(labels)),
        labels,
        info.classes,
        title=info.title,
        official=not differing,
        source=str(folder),
    )
