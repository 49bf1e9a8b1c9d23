"""An image file as a PIL image, whatever it is; or the reason why not, in one line. PIL is imported on the way."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from resnetzoo.errors import ImageError
from resnetzoo.prediction.titles import shown

if TYPE_CHECKING:
    from PIL.Image import Image


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
    said = shown(" ".join(str(error).split()))
    return f"damaged: {said}" if said else f"damaged ({type(error).__name__})"
