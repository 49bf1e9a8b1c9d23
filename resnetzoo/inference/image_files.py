"""Which image files a person means by files, folders and patterns."""

import glob
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resnetzoo.errors import ImageError, UsageError
from resnetzoo.utils.text import natural_order, printable

if TYPE_CHECKING:
    from PIL.Image import Image

Paths = str | Path | Iterable[str | Path]


class ImageFile(NamedTuple):
    """A file, or a word that leads to none, with the reason."""

    path: Path
    error: str | None


class NoImageError(UsageError):
    """None of the paths leads to an image.

    Attributes:
        files: where each leads, with the reason.
    """

    def __init__(self, files: list[ImageFile]) -> None:
        reasons = [f"{printable(failed.path)}: {failed.error}" for failed in files]
        more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
        super().__init__(f"no image found: {'; '.join(reasons[:3])}{more}")
        self.files = files


def find_images(paths: Paths) -> list[ImageFile]:
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
    once: dict[Path, ImageFile] = {}
    for word in words:
        for file in _files_of(str(word)):
            once.setdefault(file.path.absolute(), file)
    if all(file.error for file in once.values()):
        raise NoImageError(list(once.values()))
    return list(once.values())


def _files_of(word: str) -> list[ImageFile]:
    path = Path(word)
    try:
        if path.is_dir():
            return _images_inside(path)
        if path.exists():
            return [ImageFile(path, None)]
    except OSError as error:
        return [ImageFile(path, error.strerror or str(error))]
    if not any(sign in word for sign in "*?["):
        return [ImageFile(path, "no such file")]
    matches = sorted((Path(match) for match in glob.glob(word, recursive=True)), key=_order)  # noqa: PTH207 (any root)
    files = [
        file for match in matches for file in (_images_inside(match) if match.is_dir() else [ImageFile(match, None)])
    ]
    return files or [ImageFile(path, "no file matches")]


def _images_inside(folder: Path) -> list[ImageFile]:
    suffixes = image_suffixes()
    files = [
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    ]
    if not files:
        return [ImageFile(folder, "a folder without images (.png, .jpg, .gif, .webp, .tif, ...)")]
    return [ImageFile(file, None) for file in sorted(files, key=_order)]


@cache
def image_suffixes() -> frozenset[str]:
    """The endings of the files that Pillow reads as images; a file that is named itself is read whatever its name."""
    from PIL import Image

    formats = Image.registered_extensions()  # with those that can only be written
    return frozenset(suffix for suffix, name in formats.items() if name in Image.OPEN and _is_decoded(name))


def _is_decoded(name: str) -> bool:
    """Whether Pillow has pixels of a format that it opens: some it only tells by their first bytes."""
    from PIL import Image
    from PIL import ImageFile as PillowFile

    factory = Image.OPEN[name][0]
    return name != "MPEG" and not (isinstance(factory, type) and issubclass(factory, PillowFile.StubImageFile))


def _order(path: Path) -> list[list[tuple[int, str]]]:
    return [natural_order(part) for part in path.parts]


def read_image(path: Path) -> "Image":
    """The image of a file, turned upright as its EXIF data say; of an animation the first frame.

    Raises:
        ImageError: it is not there, damaged, larger than Pillow's limit, or no image.
    """
    from PIL import Image

    _check_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata that it can do without
        try:
            with Image.open(path) as image:
                image.load()
                return _upright(image)
        except Exception as error:  # a decoder raises whatever a damaged file leads it to
            raise ImageError(_reason(error)) from error


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise ImageError("no such file")
        if not path.is_file():
            raise ImageError("a folder" if path.is_dir() else "not a regular file")
        if not path.stat().st_size:
            raise ImageError("an empty file, of 0 bytes")
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from error


def _upright(image: "Image") -> "Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # an orientation that cannot be read is none
        return image.copy()


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "no image, or in a format that Pillow does not read"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, Pillow's limit against decompression bombs"
    if isinstance(error, PermissionError):
        return "it may not be read"
    said = printable(" ".join(str(error).split()))
    return f"damaged: {said}" if said else f"damaged ({type(error).__name__})"
