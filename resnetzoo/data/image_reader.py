"""Read an image file of any format that Pillow supports, as an upright image with 8 bits per sample."""

import re
import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from resnetzoo.data.image_paths import stat_target
from resnetzoo.data.sample_depth import SampleDepthWarning, in_8_bits
from resnetzoo.data.transforms import flatten
from resnetzoo.errors import ImageError
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.text import printable
from resnetzoo.utils.validation import check_choice

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112  # a tag of EXIF


def read_image(path: str | Path, mode: Literal["RGB", "L"] | None = None) -> "Image":
    """Read an image file, or the first frame of an animation, with 8 bits per sample, turned upright by its EXIF data.

    Args:
        path: the file.
        mode: the mode to convert to, with transparent areas made white; by default the mode of the file.

    Raises:
        UsageError: `mode` is another one.
        ImageError: the file is missing, damaged, in a format that this Pillow does not decode, larger than Pillow's
            limit, or not an image; or its samples are out of range. The message begins with the path, and `reason` is
            the rest of it.

    Warns:
        SampleDepthWarning: its 16-bit samples are read as samples of fewer bits.
    """
    path = user_path(path)
    if mode is not None:
        check_choice("mode", mode, ("RGB", "L"))
    try:
        found = _read(path)
        return found if mode is None else flatten(found, mode)
    except ImageError as error:
        raise ImageError(f"{printable(path)}: {error.reason}", error.reason) from error


def _read(path: Path) -> "Image":
    """Read the image; error messages do not contain the name of the file."""
    from PIL import Image

    _check_file(path)
    with warnings.catch_warnings(record=True) as said:  # to drop Pillow's warnings about metadata that it does not need
        warnings.simplefilter("always")
        try:
            with Image.open(path) as image:
                upright = _upright(image, in_8_bits(image))
        except ImageError:
            raise
        except Exception as error:  # a decoder raises whatever a damaged file leads it to
            raise ImageError(_reason(error)) from error
    for warning in said:
        if issubclass(warning.category, SampleDepthWarning):
            warnings.warn(warning.message, stacklevel=3)
    return upright


def _check_file(path: Path) -> None:
    try:
        found = stat_target(path)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError) and not path.is_symlink()
        raise ImageError("no such file" if missing else error.strerror or str(error)) from error
    if not stat.S_ISREG(found.st_mode):
        raise ImageError("a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file")
    if not found.st_size:
        raise ImageError("an empty file, of 0 bytes")


def _upright(image: "Image", pixels: "Image") -> "Image":
    """`pixels`, which come from `image`, turned upright by the EXIF data of `image`."""
    from PIL import ImageOps

    pixels.load()
    try:
        if pixels is not image and (orientation := image.getexif().get(_ORIENTATION)):
            exif = type(image.getexif())()
            exif[_ORIENTATION] = orientation
            pixels.info["exif"] = exif.tobytes()
        return ImageOps.exif_transpose(pixels)
    except Exception:  # an orientation that cannot be read is ignored
        return pixels.copy()


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image, or in a format that Pillow does not read"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, Pillow's limit against decompression bombs"
    if isinstance(error, PermissionError):
        return "permission denied"
    said = printable(" ".join(str(error).split()))
    if "Ghostscript" in said and "locate" in said:
        return "EPS, which Pillow reads only with Ghostscript: install it (the program gs), or save the image as PNG"
    if re.search("^cannot find loader|^decoder .* not available$", said):
        return f"in a format that this installation of Pillow recognizes but does not read ({said}): save it as PNG"
    return f"damaged: {said}" if said else f"damaged ({type(error).__name__})"
