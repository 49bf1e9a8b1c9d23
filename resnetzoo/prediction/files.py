"""Which image files a person means by files, folders and patterns."""

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from resnetzoo.errors import UsageError
from resnetzoo.prediction.titles import shown
from resnetzoo.registry import natural_order

Paths = str | Path | Iterable[str | Path]

# How image files are named: for folders alone, since a file that is named itself is read whatever its name.
_SUFFIXES = {
    ".png",
    ".apng",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".gif",
    ".bmp",
    ".dib",
    ".webp",
    ".avif",
    ".tif",
    ".tiff",
}
_SUFFIXES |= {".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".jp2", ".pcx"}


class Found(NamedTuple):
    """A file, or a word that leads to none, with the reason."""

    path: Path
    error: str | None


class NoImageError(UsageError):
    """None of the paths leads to an image.

    Attributes:
        found: where each leads, with the reason.
    """

    def __init__(self, found: list[Found]) -> None:
        reasons = [f"{shown(failed.path)}: {failed.error}" for failed in found]
        more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
        super().__init__(f"no image found: {'; '.join(reasons[:3])}{more}")
        self.found = found


def find_images(paths: Paths) -> list[Found]:
    """The files that `paths` mean, each once: words in their order, folders and patterns in natural order.

    A folder means the images in it and below it, known by their suffix, without hidden ones. A pattern that no shell
    has expanded is expanded here, `**` too.

    Raises:
        UsageError: nothing is named.
        NoImageError: there is no file at all; the message says why.
    """
    words = [paths] if isinstance(paths, str | Path) else list(paths)
    if not words:
        raise UsageError("no image named: give files, folders or patterns such as 'photos/*.jpg'")
    once: dict[Path, Found] = {}
    for word in words:
        for found in _meant(str(word)):
            once.setdefault(found.path.absolute(), found)
    if all(found.error for found in once.values()):
        raise NoImageError(list(once.values()))
    return list(once.values())


def _meant(word: str) -> list[Found]:
    path = Path(word)
    try:
        if path.is_dir():
            return _inside(path)
        if path.exists():
            return [Found(path, None)]
    except OSError as error:
        return [Found(path, error.strerror or str(error))]
    if not any(sign in word for sign in "*?["):
        return [Found(path, "no such file")]
    matches = sorted((Path(match) for match in glob.glob(word, recursive=True)), key=_order)  # noqa: PTH207 (any root)
    found = [file for match in matches for file in (_inside(match) if match.is_dir() else [Found(match, None)])]
    return found or [Found(path, "no file matches")]


def _inside(folder: Path) -> list[Found]:
    files = [
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in _SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    ]
    if not files:
        return [Found(folder, "a folder without images (.png, .jpg, .gif, .webp, .tif, ...)")]
    return [Found(file, None) for file in sorted(files, key=_order)]


def _order(path: Path) -> list[list[tuple[int, str]]]:
    return [natural_order(part) for part in path.parts]
