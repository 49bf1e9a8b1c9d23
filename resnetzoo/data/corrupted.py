"""Read CIFAR-10-C and CIFAR-100-C, unpacked or packed, one corruption and severity at a time."""

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
    """The test images of CIFAR-10 or CIFAR-100 under 19 corruptions at 5 severities; each combination takes 30 MB.

    Attributes:
        name: `cifar10-c` or `cifar100-c`.
        title: `CIFAR-10-C` or `CIFAR-100-C`.
        clean: the dataset whose test images were corrupted: `cifar10` or `cifar100`.
        classes: the name of each label.
        n: number of images of each corruption at each severity; 10,000 as published.
        official: whether every file is as its authors published it.
        source: the folder or archive that it is read from.
        groups: names of the corruptions by kind: `noise`, `blur`, `weather` and `digital`, the 15 over which the paper
            averages, and `extra`, 4 more that it keeps for validation.
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
        """The names of all 19 corruptions, group by group."""
        return tuple(name for names in self.groups.values() for name in names)

    def images(self, corruption: str, severity: int) -> ImageSet:
        """The images of one corruption, for `evaluate` or `Data.with_test`.

        Args:
            corruption: one of `corruptions`.
            severity: 1, the mildest, to 5.

        Raises:
            UsageError: no such corruption or severity.
            DataError: the file has changed, or can no longer be read.
        """
        check_choice("corruption", corruption, self.corruptions)
        check_whole_number("severity", severity, maximum=SEVERITIES[-1])
        start, stop = (severity - 1) * self.n, severity * self.n
        with reading(self._arrays[corruption].path):
            pixels = read_pixels(self._arrays[corruption], start, stop)
        return ImageSet(pixels, self._labels[start:stop], self.classes)

    def is_of(self, clean: ImageSet) -> bool:
        """Whether `clean` are the images that were corrupted, in the same order, as far as labels and classes show.

        Raises:
            UsageError: `clean` is not an `ImageSet`.
        """
        check_images(clean, "clean")
        labels = clean.labels.cpu().repeat(len(SEVERITIES))
        return clean.classes == self.classes and torch.equal(labels, self._labels)


def cifar10_c(root: str | Path | None = None, *, download: bool = False) -> CorruptedImages:
    """CIFAR-10-C: the 10,000 test images of CIFAR-10 under 19 corruptions at 5 severities (arXiv:1903.12261).

    It is looked for like `cifar10`: `root`, or `$RESNETZOO_DATA` and the cache, may contain the folder `CIFAR-10-C`, be
    that folder, or contain the archive `CIFAR-10-C.tar`, which is read without unpacking. All 2.9 GB are read once to
    verify their checksums. A smaller copy, with any number of images, is accepted as well.

    Args:
        root: the folder to look in.
        download: whether to download the archive if the dataset is not found: 2.9 GB, into `root`, which is created if
            necessary, or else into the cache. The archive is verified.

    Raises:
        DataNotFoundError: the dataset was not found and `download` is off, or `$RESNETZOO_DATA` names a folder that
            does not exist.
        DownloadError: the archive could not be downloaded.
        DataError: a file is missing, truncated, or of another type or shape, or has a label out of range; or the
            archive is not the published one. The message names it.

    Warns:
        UnofficialDataWarning: the contents are not the published ones.
    """
    return _find(CIFAR10_C, root, download)


def cifar100_c(root: str | Path | None = None, *, download: bool = False) -> CorruptedImages:
    """CIFAR-100-C: like `cifar10_c`, with the test images of CIFAR-100 and its 100 fine classes.

    Its folder is called `CIFAR-100-C`, and its archive `CIFAR-100-C.tar`.

    Args:
        root: as in `cifar10_c`.
        download: as in `cifar10_c`.

    Raises:
        DataError: as in `cifar10_c`, including its subclasses `DataNotFoundError` and `DownloadError`.
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
    """Read complete files, or else an archive; None if the folder has neither, nor some of the files."""
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
    """Whether a folder has the file of any corruption, or at least the dataset's folder name and the labels."""
    if folder.name == info.folder and is_file(folder / "labels.npy"):
        return True
    return any(is_file(folder / f"{name}.npy") for name in CORRUPTIONS)


def _is_other(folder: Path, info: CorruptedInfo) -> bool:
    """Whether a folder has the other dataset, whose files have the same names: by its labels, or else by its name."""
    other = _other(info)
    labels = folder / "labels.npy"
    found = checksum(labels, info.md5s["labels"]) if is_file(labels) else ""
    if found in (info.md5s["labels"], other.md5s["labels"]):
        return found == other.md5s["labels"]
    return folder.name == other.folder


def _other(info: CorruptedInfo) -> CorruptedInfo:
    return CIFAR100_C if info.name == CIFAR10_C.name else CIFAR10_C


def _other_names(folder: Path) -> str:
    """The end of a message: arrays with other than the published names, such as `Fog.npy`; empty if there are none."""
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
    """Open a verified archive, by finding the position of each file in it."""
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
