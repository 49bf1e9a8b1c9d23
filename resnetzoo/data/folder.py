"""Read a folder that has one subfolder of images per class (`cat/1.jpg`, `dog/2.png`), or two such folders."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import torch

from resnetzoo.data.folder_sets import FolderSets, find_sets, folders_in
from resnetzoo.data.image_paths import images_below
from resnetzoo.data.image_reader import read_image
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.pair import Data
from resnetzoo.data.places import named_folder, reading
from resnetzoo.data.stacking import ImageStack
from resnetzoo.errors import DataError, DataNotFoundError, ImageError, UsageError
from resnetzoo.utils.paths import is_folder, user_path
from resnetzoo.utils.text import counted, printable, some
from resnetzoo.utils.validation import check_names, check_whole_number

SIZE = 32  # pixels: the size that the networks are made for
_HELD_OUT = 5  # one image in this many, if there is no folder to measure on


def load_folder(root: str | Path | None, size: int | None = None) -> Data:
    """Images of any size and mode, by class: the shorter side is resized to `size`, and the middle is cropped.

    If `root` has a folder `train` or `training`, and a folder `test`, `testing`, `val`, `valid` or `validation`, in
    upper or lower case, these are the two sets. If it has only a training set, or only classes, a fifth of each class
    is held out (`Data.validation_split`, seed 0). Classes are sorted by name.

    Raises:
        UsageError: no folder is named.
        DataNotFoundError: the folder does not exist.
        DataError: there are no class folders, there are sets but none to train on, a class has no images, or files
            cannot be read; the message names them.
    """
    folder, size = _checked(root, size)
    source = f"{folder}, images resized to {size} pixels on the shorter side and cropped in the middle"
    sets = _sets(folder)
    if sets is None:
        train_folder, test_folder = folder, None
    elif sets.train is not None:
        train_folder, test_folder = sets.train, sets.test
    else:
        raise DataError(
            f"{folder} contains {some([place.name for place in sets.every])} but no train folder, so there is nothing "
            "to train on. To measure on it: resnetzoo eval RUN --all-images --dataset folder --data-dir "
            f"{shlex.quote(str(sets.every[0]))}"
        )
    train = _read(train_folder, None, size)
    if test_folder is None:
        data = Data("folder", train, train, official=False, source=source)
        return data.validation_split(max(1, len(train) // _HELD_OUT))
    test, channels = _read(test_folder, train.classes, size, " of the training set"), train.images.shape[1]
    if test.images.shape[1] > channels:
        raise DataError(f"{test_folder} has colour images, but all training images are grey")
    source = f"{source}, train and {test_folder.name}"
    return Data("folder", train, test.with_channels(channels), official=False, source=source)


def images_of(root: str | Path | None, classes: Sequence[str] | None, size: int | None) -> ImageSet:
    """All images of a folder that has one subfolder per class, read like those of `load_folder`, with the same errors.

    Args:
        root: the folder; None for the one that `$RESNETZOO_DATA` names.
        classes: the class names in label order; the folder need not contain all of them. None for the folder's own.
        size: length of the shorter side, in pixels; None for 32.

    Raises:
        UsageError: `classes` are not names.
    """
    names = None if classes is None else check_names("classes", classes)
    folder, size = _checked(named_folder(root), size)
    _check_has_classes(folder, names)
    return _read(folder, names, size)


def _checked(root: str | Path | None, size: int | None) -> tuple[Path, int]:
    if root is None:
        raise UsageError("the folder of images is missing: pass --data-dir FOLDER, with one subfolder per class")
    size = SIZE if size is None else size
    check_whole_number("size", size)
    folder = user_path(root)
    with reading(folder):
        if not is_folder(folder):
            raise DataNotFoundError(f"{folder}: {'a file, not a folder' if folder.exists() else 'no such folder'}")
    return folder, size


def _sets(folder: Path) -> FolderSets | None:
    try:
        return find_sets(folder)
    except OSError as error:
        raise _unreadable([error]) from error


def _check_has_classes(folder: Path, classes: Sequence[str] | None) -> None:
    """Refuse a folder that contains only sets, unless `classes` says that their names are those of classes."""
    sets = _sets(folder)
    if sets is None or list(sets.every) != folders_in(folder):
        return
    names = [place.name for place in sets.every]
    if not set(names) <= set(classes or ()):
        raise DataError(
            f"{folder} contains {some(names)}, which are sets of images and not classes: pass one of them, such as "
            f"{sets.every[0]}, or classes={names} if these are the classes"
        )


def _unreadable(errors: Sequence[OSError]) -> DataError:
    said = [f"{printable(error.filename)}: cannot be read: {error.strerror or error}" for error in errors[:5]]
    return DataError(f"{'; '.join(said)}{f'; and {len(errors) - 5:,} more' if len(errors) > 5 else ''}")


def _read(folder: Path, classes: tuple[str, ...] | None, size: int, whose: str = "") -> ImageSet:
    """The images of a folder, labelled by `classes` or its own; a message about other classes calls them `whose`."""
    try:
        found = [inside.name for inside in folders_in(folder)]
    except OSError as error:
        raise _unreadable([error]) from error
    if not found:
        raise DataError(f"{folder}: expected one subfolder per class, such as {folder / 'cat'}, found none")
    if classes is not None and (unknown := [name for name in found if name not in classes]):
        raise DataError(
            f"{folder}: none of the classes{whose} ({some(classes)}) is called {some(unknown)}: rename or remove such "
            "folders, or add the classes"
        )
    names = classes or tuple(found)
    unreadable: list[OSError] = []
    files = {name: images_below(folder / name, unreadable.append) for name in found}
    if unreadable:
        raise _unreadable(unreadable)
    if empty := [str(folder / name) for name in found if not files[name]]:
        raise DataError(f"class folders without images: {some(empty)}; remove them, or add images to them")
    images, labels, broken = ImageStack(size), [], []
    for name in found:
        for file in files[name]:
            try:
                images.add(read_image(file))
                labels.append(names.index(name))
            except ImageError as error:
                broken.append(f"{printable(file)}: {error.reason}")
    if broken:
        raise DataError(
            f"{counted(len(broken), 'image file')} cannot be read: {'; '.join(broken[:5])}{'; ...' * (len(broken) > 5)}"
        )
    return ImageSet(images.stacked(), torch.tensor(labels, dtype=torch.int64, device="cpu"), names)
