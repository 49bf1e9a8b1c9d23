"""Tell folders that are sets of images, such as `train` and `val`, from folders that are classes."""

from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple

from resnetzoo.data.image_paths import stat_target
from resnetzoo.errors import DataError
from resnetzoo.utils.text import some

_TRAIN = ("train", "training")
_TEST = ("test", "testing", "val", "valid", "validation")  # the first that exists is used


class FolderSets(NamedTuple):
    """The sets inside a folder, each with one subfolder of images per class.

    Attributes:
        train: the set to train on, if any.
        test: the set to measure on, if any.
        every: all sets, sorted by name.
    """

    train: Path | None
    test: Path | None
    every: tuple[Path, ...]


def find_sets(folder: Path) -> FolderSets | None:
    """The sets inside a folder, whose names may be in upper or lower case; None if its subfolders are classes.

    They are sets if no subfolder has another name, or if a training set among them has subfolders itself.

    Raises:
        DataError: there are several training sets, or several test sets whose names differ only in case.
        OSError: the folder cannot be read.
    """
    inside = folders_in(folder)
    sets = [place for place in inside if place.name.casefold() in (*_TRAIN, *_TEST)]
    train = [place for place in sets if place.name.casefold() in _TRAIN]
    if not sets or (sets != inside and not any(folders_in(place) for place in train)):
        return None
    found = ([place for place in sets if place.name.casefold() == name] for name in _TEST)
    test = next((places for places in found if places), [])
    for places in (train, test):
        if len(places) > 1:
            names = some([place.name for place in places])
            raise DataError(f"{folder} contains {names}, of which only one can be used: rename or remove the others")
    return FolderSets(next(iter(train), None), next(iter(test), None), tuple(sets))


def folders_in(folder: Path) -> list[Path]:
    """The subfolders of a folder that are not hidden, sorted by name.

    Raises:
        OSError: the folder or something in it cannot be read, such as a link to nothing, which may stand for a folder.
    """
    seen = sorted((place for place in folder.iterdir() if place.name[0] != "."), key=lambda place: place.name)
    return [place for place in seen if S_ISDIR(stat_target(place).st_mode)]
