"""Which folders are sets of images, such as `train` and `val`, and not classes."""

from pathlib import Path
from typing import NamedTuple

from resnetzoo.errors import DataError
from resnetzoo.utils.text import some

_TRAIN = ("train", "training")
_TEST = ("test", "testing", "val", "valid", "validation")  # the first that is there


class FolderSets(NamedTuple):
    """The sets inside a folder, each with one folder of images a class.

    Attributes:
        train: to learn from; None if there is none.
        test: to measure on; None if there is none.
        every: all of them, in the order of their names.
    """

    train: Path | None
    test: Path | None
    every: tuple[Path, ...]


def find_sets(folder: Path) -> FolderSets | None:
    """The sets that a folder consists of, called by these names in upper or lower case; None if it has classes.

    It has sets if no folder in it is called otherwise, or if one to learn from has folders in it.

    Raises:
        DataError: several are called by one name.
        OSError: it cannot be read.
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
    """The folders in a folder that are not hidden, in the order of their names.

    Raises:
        OSError: it cannot be read.
    """
    found = (place for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))
    return sorted(found, key=lambda place: place.name)
