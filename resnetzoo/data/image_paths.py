"""Find the image files in a folder, and put them in order."""

import os
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from resnetzoo.utils.text import natural_order


def images_below(folder: Path, unreadable: Callable[[OSError], object]) -> list[Path]:
    """The image files in a folder and its subfolders, recognized by suffix, without hidden ones, in natural order.

    Linked folders are entered like others, but each folder once, and none that contains `folder`.

    Args:
        folder: the folder to look in.
        unreadable: called with the error for each folder or image that cannot be read, such as a link to nothing; it
            may raise.
    """
    suffixes = image_suffixes()
    files: list[Path] = []
    for place, names in _contents_below(folder, unreadable):
        for name in sorted(names, key=natural_order):
            file = Path(place, name)
            suffix = file.suffix.lower()
            is_other_file = suffix and suffix not in suffixes and not file.is_symlink()
            if name.startswith(".") or is_other_file:
                continue
            try:
                found = stat_target(file)
            except OSError as error:
                unreadable(error)
                continue
            if suffix in suffixes and stat.S_ISREG(found.st_mode):
                files.append(file)
    return sorted(files, key=path_order)


def _contents_below(folder: Path, unreadable: Callable[[OSError], object]) -> Iterator[tuple[str, list[str]]]:
    """Each folder from `folder` down, with the names in it that are not folders; linked folders come last."""
    real = Path(os.path.realpath(folder))
    entered = {str(above) for above in real.parents}  # also those that contain it: links to them are circles
    waiting = [str(folder)]
    for start in waiting:  # which grows
        for place, folders, names in os.walk(start, onerror=unreadable):
            where = os.path.realpath(place)
            inside = [] if where in entered else sorted(name for name in folders if not name.startswith("."))
            linked = [name for name in inside if Path(place, name).is_symlink()]
            waiting += [os.path.join(place, name) for name in linked]  # noqa: PTH118 (a walk is of strings)
            folders[:] = [name for name in inside if name not in linked]
            if where not in entered:
                entered.add(where)
                yield place, names


def stat_target(path: Path) -> os.stat_result:
    """What the system knows of a file or folder that is there, or of the target of a link.

    Raises:
        OSError: it cannot be looked up; the error names a link to nothing as such.
    """
    try:
        return path.stat()
    except FileNotFoundError as error:
        if not path.is_symlink():
            raise
        raise FileNotFoundError(error.errno, f"a link to {path.readlink()}, which is missing", str(path)) from error


def path_order(path: Path) -> list[list[tuple[int, str]]]:
    """A key to sort paths by: each part by `natural_order`."""
    return [natural_order(part) for part in path.parts]


@cache
def image_suffixes() -> frozenset[str]:
    """The suffixes of files that Pillow reads as images; a file that is passed directly needs none of them."""
    from PIL import Image

    formats = Image.registered_extensions()  # including formats that can only be written
    return frozenset(suffix for suffix, name in formats.items() if name in Image.OPEN and _is_decoded(name))


def _is_decoded(name: str) -> bool:
    """Whether Pillow can decode a format that it opens: it only identifies some of them by their first bytes."""
    from PIL import Image
    from PIL import ImageFile as PillowFile

    factory = Image.OPEN[name][0]
    return name != "MPEG" and not (isinstance(factory, type) and issubclass(factory, PillowFile.StubImageFile))
