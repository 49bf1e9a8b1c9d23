"""Read a folder in a published format into image sets. Errors name the file and, for a wrong length, the right one."""

import hashlib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resnetzoo.data.array_checks import checked_labels
from resnetzoo.data.cifar_files import PIXELS, ArchiveFormat, DataFile, DatasetInfo
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.pair import Data
from resnetzoo.data.safe_pickle import unpickle_arrays
from resnetzoo.errors import DataError
from resnetzoo.utils.paths import is_file
from resnetzoo.utils.text import brief, kind_of

PixelsAndLabels = tuple[NDArray[np.uint8], NDArray[Any]]  # pixels (n, 3072), whole numbers (n,)


class UnofficialDataWarning(UserWarning):
    """The contents of the files are not the published ones: results on them are not results on the dataset."""


def unofficial(said: str, title: str, names: str, count: int) -> UnofficialDataWarning:
    """The warning that files differ from the published ones.

    Args:
        said: the beginning of the message, such as `FOLDER is not the official`.
        title: title of the dataset.
        names: names of the files.
        count: number of the files.
    """
    return UnofficialDataWarning(
        f"{said} {title}: {names} {'differs' if count == 1 else 'differ'} from the published checksum, so results on "
        f"it are not results on {title}"
    )


def read_folder(folder: Path, info: DatasetInfo, archive_format: ArchiveFormat) -> Data:
    """Read and check the files of `archive_format` in `folder`.

    Raises:
        DataError: a file is missing, empty, truncated, too long, garbage, or has a label out of range.
    """
    check_presence(folder, info, archive_format)
    return _read(folder, lambda name: (folder / name).read_bytes(), info, archive_format)


def read_contents(contents: Mapping[str, bytes], where: Path, info: DatasetInfo, archive_format: ArchiveFormat) -> Data:
    """Read and check files whose contents are given by name; `where` is their origin, for messages.

    Raises:
        DataError: as in `read_folder`.
    """
    missing = [file.name for file in archive_format.files if file.name not in contents]
    if missing:
        raise DataError(f"{where}: {info.title} is incomplete; missing: {', '.join(missing)}")
    return _read(where, contents.__getitem__, info, archive_format)


def _read(where: Path, read: Callable[[str], bytes], info: DatasetInfo, archive_format: ArchiveFormat) -> Data:
    differing: list[str] = []
    train = _read_set(where, read, info, archive_format, archive_format.train, differing)
    test = _read_set(where, read, info, archive_format, archive_format.test, differing)
    if differing:
        said = unofficial(f"{where} is not the official", info.title, ", ".join(differing), len(differing))
        warnings.warn(said, stacklevel=6)
    return Data(info.name, train, test, official=not differing, source=str(where))


def check_presence(folder: Path, info: DatasetInfo, archive_format: ArchiveFormat) -> None:
    """Check that every file exists, and that no file is empty, truncated or too long.

    A smaller copy of the dataset may have any whole number of images in each file. But if one file has its official
    length, a shorter one beside it counts as truncated.

    Raises:
        DataError: names the files that are missing, or the file that is wrong.
    """
    missing = [file.name for file in archive_format.files if not is_file(folder / file.name)]
    if missing:
        raise DataError(f"{folder}: {info.title} is incomplete; missing: {', '.join(missing)}")
    sizes = {file: (folder / file.name).stat().st_size for file in archive_format.files}
    some_official = any(size == file.size for file, size in sizes.items())
    for file, size in sizes.items():
        if size == 0:
            raise DataError(f"{folder / file.name}: empty: 0 bytes found, {_official_size(file)}")
        if file.size is None or size == file.size:
            continue
        if size > file.size and archive_format.kind == "binary":
            raise DataError(f"{folder / file.name}: too long: {size:,} bytes found, {_official_size(file)}")
        if size < file.size and some_official:
            raise DataError(f"{folder / file.name}: truncated: {size:,} bytes found, {_official_size(file)}")


def _read_set(
    where: Path,
    read: Callable[[str], bytes],
    info: DatasetInfo,
    archive_format: ArchiveFormat,
    files: tuple[DataFile, ...],
    unofficial: list[str],
) -> ImageSet:
    pixels, labels = [], []
    for file in files:
        path = where / file.name
        content = read(file.name)
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != file.md5:
            unofficial.append(file.name)
        parse = _parse_binary if archive_format.kind == "binary" else _parse_pickle
        batch_pixels, batch_labels = parse(content, path, file, archive_format)
        pixels.append(batch_pixels)
        labels.append(checked_labels(batch_labels, str(path), info.title, len(info.classes)))
    images = torch.from_numpy(np.concatenate(pixels).reshape(-1, 3, 32, 32))
    return ImageSet(images, torch.from_numpy(np.concatenate(labels)), info.classes)


def _parse_binary(content: bytes, path: Path, file: DataFile, archive_format: ArchiveFormat) -> PixelsAndLabels:
    record = archive_format.label_bytes + PIXELS
    if len(content) % record:
        raise DataError(
            f"{path}: {len(content):,} bytes found, which is not a whole number of {record:,}-byte records; "
            f"{_official_size(file)}"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    labels = records[:, : archive_format.label_bytes][:, archive_format.label_place]
    return np.ascontiguousarray(records[:, archive_format.label_bytes :]), labels


def _parse_pickle(content: bytes, path: Path, file: DataFile, archive_format: ArchiveFormat) -> PixelsAndLabels:
    batch = unpickle_arrays(content, f"{path} ({_official_size(file)})")
    if not isinstance(batch, dict) or not {"data", archive_format.label_key} <= batch.keys():
        raise DataError(
            f'{path}: expected a dictionary with "data" and "{archive_format.label_key}", found {_describe(batch)}'
        )
    pixels = batch["data"]
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXELS,):
        raise DataError(f'{path}: "data" must be uint8 (n, {PIXELS}), found {_describe(pixels)}')
    labels = _labels(batch[archive_format.label_key], path, archive_format.label_key)
    if len(labels) != len(pixels) or not 1 <= len(pixels) <= file.images:
        raise DataError(
            f"{path}: {len(pixels):,} images and {len(labels):,} labels found; there should be one label per image, "
            f"and from 1 to {file.images:,} images"
        )
    return np.ascontiguousarray(pixels), labels


def _labels(values: Any, path: Path, key: str) -> NDArray[Any]:
    if isinstance(values, list | tuple):
        other = next((place for place, value in enumerate(values) if type(value) is not int), None)  # nor bool
        if other is None:
            return np.array(values, object)  # any size of int, checked later
        found = f"but label {other} is {brief(values[other])}"
    elif isinstance(values, np.ndarray) and values.dtype.kind in "iu" and values.ndim == 1:
        return values
    else:
        found = f"found {_describe(values)}"
    raise DataError(f'{path}: "{key}" must be a list of whole numbers, {found}')


def _official_size(file: DataFile) -> str:
    return f"{file.size:,} bytes expected" if file.size else f"{file.images:,} images expected"


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, dict):
        return f"a dictionary with {', '.join(repr(key) for key in list(value)[:5]) or 'nothing'}"
    return kind_of(value)
