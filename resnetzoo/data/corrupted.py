"""CIFAR-10-C and CIFAR-100-C where they lie, unpacked or packed, read one corruption and severity at a time."""

import tarfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from resnetzoo.data.archives import check_archive, download_as_it_is
from resnetzoo.data.array_checks import check_pixels, read_labels, read_pixels
from resnetzoo.data.checksums import checksum
from resnetzoo.data.cifar_reader import unofficial
from resnetzoo.data.conversion import check_images
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.npy_file import NpyFile, open_npy
from resnetzoo.data.places import (
    check_named,
    check_no_file,
    fetch_folder,
    not_found,
    reading,
    search_folders,
)
from resnetzoo.data.robustness_files import CIFAR10_C, CIFAR100_C, CORRUPTIONS, GROUPS, SEVERITIES, CorruptedInfo
from resnetzoo.errors import DataError, DataNotFoundError
from resnetzoo.utils.paths import is_file
from resnetzoo.utils.text import some
from resnetzoo.utils.validation import check_choice, check_whole_number


@dataclass(frozen=True, eq=False)
class CorruptedImages:
    """The test images of CIFAR-10 or CIFAR-100 under 19 corruptions, each at 5 severities, 30 MB for each of them.

    Attributes:
        name: `cifar10-c` or `cifar100-c`.
        title: what people read.
        clean: the dataset whose test images were corrupted: `cifar10` or `cifar100`.
        classes: the name of each label.
        n: images of each corruption at each severity; 10,000 as published.
        official: whether every file is as its authors published it.
        source: the folder or archive that it is read from.
        groups: names of corruptions by kind: `noise`, `blur`, `weather` and `digital`, the 15 of the paper's mean, and
            `extra`, its 4 more for validation.
    """

    name: str
    title: str
    clean: str
    classes: tuple[str, ...] = field(repr=False)
    n: int
    official: bool
    source: str
    groups: Mapping[str, tuple[str, ...]] = field(repr=False)
    _labels: Tensor = field(repr=False)
    _arrays: Mapping[str, NpyFile] = field(repr=False)

    @property
    def corruptions(self) -> tuple[str, ...]:
        """The names of all 19, group by group."""
        return tuple(name for names in self.groups.values() for name in names)

    def images(self, corruption: str, severity: int) -> ImageSet:
        """The images of one corruption, for `evaluate` or `Data.with_test`.

        Args:
            corruption: one of `corruptions`.
            severity: 1, the mildest, to 5.

        Raises:
            UsageError: no such corruption or severity.
            DataError: the file has changed, or cannot be read any more.
        """
        check_choice("corruption", corruption, self.corruptions)
        check_whole_number("severity", severity, maximum=SEVERITIES[-1])
        start, stop = (severity - 1) * self.n, severity * self.n
        with reading(self._arrays[corruption].path):
            pixels = read_pixels(self._arrays[corruption], start, stop)
        return ImageSet(pixels, self._labels[start:stop], self.classes)

    def is_of(self, clean: ImageSet) -> bool:
        """Whether these are the images that were corrupted, in their order, as far as labels and classes tell.

        Raises:
            UsageError: `clean` is no `ImageSet`.
        """
        check_images(clean, "clean")
        labels = clean.labels.cpu().repeat(len(SEVERITIES))
        return clean.classes == self.classes and torch.equal(labels, self._labels)


def cifar10_c(root: str | Path | None = None, *, download: bool = False) -> CorruptedImages:
    """CIFAR-10-C: the 10,000 test images of CIFAR-10 under 19 corruptions at 5 severities (arXiv:1903.12261).

    Looked for as `cifar10` is: `root`, or `$RESNETZOO_DATA` and the cache, may have the folder `CIFAR-10-C`, be it, or
    have the archive `CIFAR-10-C.tar`, which stays packed. All 2.9 GB are read once for their checksums; a smaller
    copy of any number of images is read, too.

    Args:
        root: a folder.
        download: if it is nowhere, fetch the archive of 2.9 GB into `root`, which is made, or the cache, and verify it.

    Raises:
        DataNotFoundError: it is nowhere, and `download` is off; or `$RESNETZOO_DATA` names what is not there.
        DownloadError: it could not be fetched.
        DataError: a file is missing, truncated, of another type or shape, or has a label out of range; or the archive
            is not the published one. The message names it.

    Warns:
        UnofficialDataWarning: the contents are not the published ones.
    """
    return _find(CIFAR10_C, root, download)


def cifar100_c(root: str | Path | None = None, *, download: bool = False) -> CorruptedImages:
    """CIFAR-100-C: as `cifar10_c`, with the test images of CIFAR-100 and its 100 fine classes.

    Its folder is `CIFAR-100-C`, its archive `CIFAR-100-C.tar`.

    Args:
        root: as in `cifar10_c`.
        download: as in `cifar10_c`.

    Raises:
        DataError: as in `cifar10_c`, and so its kinds `DataNotFoundError` and `DownloadError`.
    """
    return _find(CIFAR100_C, root, download)


def _find(info: CorruptedInfo, root: str | Path | None, download: bool) -> CorruptedImages:
    check_no_file(root)
    if root is None or not download:
        check_named(root, info)
    folders = search_folders(root)
    for folder in folders:
        with reading(folder):
            found = _read_first(folder, info)
        if found is not None:
            return found
    if not download:
        raise not_found(info, folders, root, (CIFAR10_C, CIFAR100_C))
    packed = download_as_it_is(info.archive, fetch_folder(root))
    with reading(packed):
        return _open_archive(packed, info)


def _read_first(folder: Path, info: CorruptedInfo) -> CorruptedImages | None:
    """From complete files, or else from an archive; None if there is neither, nor a part of the files."""
    begun = [inside for inside in (folder / info.folder, folder) if _is_begun(inside, info)]
    present = [inside for inside in begun if not _is_other(inside, info)]
    for inside in present:
        if not _missing(inside):
            return _open_folder(inside, info)
    for packed in (folder / info.archive.name, folder / info.folder / info.archive.name):
        if is_file(packed):
            check_archive(packed, info, info.archive.size, info.archive.checksum)
            return _open_archive(packed, info)
    if present:
        raise DataError(
            f"{present[0]}: {info.title} is incomplete; missing: {', '.join(_missing(present[0]))}"
            f"{_other_names(present[0])}"
        )
    misnamed = next((inside for inside in begun if inside.name == info.folder), None)
    if misnamed is not None:
        other = _other(info)
        raise DataNotFoundError(
            f"{misnamed} holds {other.title} in spite of its name, according to its labels: pass that folder with "
            f"--dataset {other.name}"
        )
    return None


def _is_begun(folder: Path, info: CorruptedInfo) -> bool:
    """Whether a folder has files of a corruption, or at least the dataset's name and labels."""
    if folder.name == info.folder and is_file(folder / "labels.npy"):
        return True
    return any(is_file(folder / f"{name}.npy") for name in CORRUPTIONS)


def _is_other(folder: Path, info: CorruptedInfo) -> bool:
    """Whether a folder is the other one of the two, whose files have the same names: the labels tell, or its name."""
    other = _other(info)
    labels = folder / "labels.npy"
    found = checksum(labels, info.md5s["labels"]) if is_file(labels) else ""
    if found in (info.md5s["labels"], other.md5s["labels"]):
        return found == other.md5s["labels"]
    return folder.name == other.folder


def _other(info: CorruptedInfo) -> CorruptedInfo:
    return CIFAR100_C if info.name == CIFAR10_C.name else CIFAR10_C


def _other_names(folder: Path) -> str:
    """What the folder has beside the published names, such as `Fog.npy`, as the end of a message."""
    known = {f"{name}.npy" for name in ("labels", *CORRUPTIONS)}
    others = sorted(path.name for path in folder.glob("*.npy") if path.name not in known)
    return f"; files of other names are not read: {some(others)}" if others else ""


def _missing(folder: Path) -> list[str]:
    return [f"{name}.npy" for name in ("labels", *CORRUPTIONS) if not is_file(folder / f"{name}.npy")]


def _open_folder(folder: Path, info: CorruptedInfo) -> CorruptedImages:
    files = {name: open_npy(folder / f"{name}.npy") for name in ("labels", *CORRUPTIONS)}
    differing = [f"{name}.npy" for name, file in files.items() if not _is_published(file.path, name, info)]
    if differing:
        said = unofficial(f"{folder} is not the official", info.title, some(differing), len(differing))
        warnings.warn(said, stacklevel=5)
    return _checked(files, folder, info, official=not differing)


def _is_published(path: Path, name: str, info: CorruptedInfo) -> bool:
    if name != "labels" and path.stat().st_size != info.array_size:
        return False
    return checksum(path, info.md5s[name]) == info.md5s[name]


def _open_archive(packed: Path, info: CorruptedInfo) -> CorruptedImages:
    """Of a verified archive: where in it each file lies."""
    names = {f"{info.folder}/{name}.npy": name for name in ("labels", *CORRUPTIONS)}
    files = {}
    with tarfile.open(packed, "r:") as tar:
        for member in tar:
            if member.isfile() and member.name in names:
                files[names[member.name]] = open_npy(
                    packed, start=member.offset_data, length=member.size, inside=member.name
                )
    missing = [f"{name}.npy" for name in names.values() if name not in files]
    if missing:
        raise DataError(f"{packed}: {info.title} is incomplete; missing: {', '.join(missing)}")
    return _checked(files, packed, info, official=True)


def _checked(files: Mapping[str, NpyFile], where: Path, info: CorruptedInfo, *, official: bool) -> CorruptedImages:
    labels = read_labels(files["labels"], info.title, len(info.classes))
    count = len(labels)
    if count % len(SEVERITIES):
        raise DataError(
            f"{files['labels'].title}: {count:,} labels found, which cannot be divided evenly among {len(SEVERITIES)} "
            "severities"
        )
    for name in CORRUPTIONS:
        check_pixels(files[name], count)
    return CorruptedImages(
        name=info.name,
        title=info.title,
        clean=info.clean,
        classes=info.classes,
        n=count // len(SEVERITIES),
        official=official,
        source=str(where),
        groups=GROUPS,
        _labels=labels,
        _arrays=files,
    )
