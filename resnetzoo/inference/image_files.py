"""Find the image files that paths, folders and patterns stand for."""

import glob
import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from resnetzoo.data.image_paths import images_below, path_order
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
    try:
        if path.is_dir():
            return _images_inside(path)
        if path.exists():
            return [ImageFile(path, None)]
    except OSError as error:
        return [ImageFile(path, error.strerror or str(error))]
    if not any(sign in word for sign in "*?["):
        return [ImageFile(path, "no such file")]
    found = glob.glob(str(path), recursive=True)  # noqa: PTH207 (absolute patterns too)
    matches = sorted(map(Path, found), key=path_order)
    files = [
        file for match in matches for file in (_images_inside(match) if match.is_dir() else [ImageFile(match, None)])
    ]
    return files or [ImageFile(path, "no file matches")]


def _images_inside(folder: Path) -> list[ImageFile]:
    unreadable: list[OSError] = []
    files = images_below(folder, unreadable.append)
    failed = [ImageFile(Path(error.filename), f"cannot be read: {error.strerror or error}") for error in unreadable]
    if not files and not failed:
        return [ImageFile(folder, "a folder without images (.png, .jpg, .gif, .webp, .tif, ...)")]
    return [*(ImageFile(file, None) for file in files), *failed]
