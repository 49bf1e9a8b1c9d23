"""Find the image files that paths, folders and patterns stand for."""

import glob
import os
import stat
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from resnetzoo.data.image_paths import images_below, path_order, stat_target
from resnetzoo.errors import UsageError
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.text import printable

Paths = str | Path | Iterable[str | Path]


class ImageFile(NamedTuple):
    """An image file, or a path that does not lead to one, with the reason."""

    path: Path
    error: str | None


class NoImageError(UsageError):
    """None of the paths leads to an image.

    Attributes:
        files: what each path leads to, with the reason why it is not an image.
    """

    def __init__(self, files: list[ImageFile]) -> None:
        reasons = [f"{printable(failed.path)}: {failed.error}" for failed in files]
        more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
        super().__init__(f"no image found: {'; '.join(reasons[:3])}{more}")
        self.files = files


def find_images(paths: Paths) -> list[ImageFile]:
    """The files that `paths` refer to, each once and in order; files from a folder or pattern are in natural order.

    A folder means the images in it and its subfolders, recognized by their suffix, without hidden ones. A pattern that
    the shell has not expanded is expanded here, including `**`.

    Raises:
        UsageError: `paths` is empty, or contains something that is not a path.
        NoImageError: no path leads to a file; the message says why.
    """
    words = [paths] if isinstance(paths, str | PathLike) or not isinstance(paths, Iterable) else list(paths)
    if not words:
        raise UsageError("no images given: pass files, folders or patterns such as 'photos/*.jpg'")
    once: dict[Path, ImageFile] = {}
    for word in words:
        if not isinstance(word, str | PathLike):
            raise UsageError(
                f"images are read from files, found {type(word).__name__}: pass files, folders or patterns such as "
                "'photos/*.jpg'; for an image in memory use model(model.preprocess(image)[None])"
            )
        for file in _files_of(str(word)):
            once.setdefault(_place(file), file)
    if all(file.error for file in once.values()):
        raise NoImageError(list(once.values()))
    return list(once.values())


def _place(file: ImageFile) -> Path:
    """What identifies a file: its name in the real folder that its path leads to, through links and `..`."""
    if file.error is not None:  # for example because there is no such path
        return file.path.absolute()
    return Path(os.path.realpath(file.path.parent), file.path.name)


def _files_of(word: str) -> list[ImageFile]:
    try:
        path = user_path(word)
    except UsageError as error:
        return [ImageFile(Path(word), str(error))]
    literal = _files_at(path)
    if os.path.lexists(path) or not any(sign in word for sign in "*?["):
        return literal or [ImageFile(path, "no such file")]
    matches = glob.glob(str(path), recursive=True)  # noqa: PTH207 (absolute patterns too)
    places = sorted(map(Path, matches), key=path_order)
    files = [file for place in places for file in _files_at(place) or [ImageFile(place, "no such file")]]
    return files or literal or [ImageFile(path, "no file matches")]


def _files_at(path: Path) -> list[ImageFile] | None:
    """A file, or the images in a folder; None if there is neither."""
    try:
        found = stat_target(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        return [ImageFile(path, error.strerror)] if path.is_symlink() else None
    except OSError as error:
        return [ImageFile(path, f"cannot be read: {error.strerror or error}")]
    return _images_inside(path) if stat.S_ISDIR(found.st_mode) else [ImageFile(path, None)]


def _images_inside(folder: Path) -> list[ImageFile]:
    unreadable: list[OSError] = []
    files = images_below(folder, unreadable.append)
    failed = [ImageFile(Path(error.filename), f"cannot be read: {error.strerror or error}") for error in unreadable]
    if not files and not failed:
        return [ImageFile(folder, "a folder without images (.png, .jpg, .gif, .webp, .tif, ...)")]
    return [*(ImageFile(file, None) for file in files), *failed]
