"""Find the image files in a folder, and put them in order."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from resnetzoo.utils.text import natural_order


def images_below(folder: Path, unreadable: Callable[[OSError], object]) -> list[Path]:
    """The image files in a folder and its subfolders, recognized by suffix, without hidden ones, in natural order.

    Args:
        folder: the folder to look in.
        unreadable: called with the error for each folder that cannot be read; it may raise.
    """
    suffixes = image_suffixes()
    files: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = (Path(place, name) for name in names if not name.startswith("."))
        files += [file for file in here if file.suffix.lower() in suffixes and file.is_file()]
    return sorted(files, key=path_order)


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
