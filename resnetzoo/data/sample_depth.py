"""Convert images with more than 8 bits per sample to 8, by the depth that they state or that their values show.

A 16-bit file often contains the 10, 12 or 14 bits of a camera or microscope. Pillow keeps all bits of grey images, but
only the upper 8 bits of colours, so the lower bits are read from the file here.
"""

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resnetzoo.errors import ImageError
from resnetzoo.utils.text import printable

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = np.ndarray[Any, np.dtype[Any]]
_DEPTHS = (8, 10, 12, 14, 16)  # bits per sample of cameras and scanners
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MAX_SAMPLE, _PLANES, _MAX_SAMPLE_S = 258, 262, 281, 284, 341  # tags of TIFF 6.0
_SCALED = ("PPM", "JPEG2000")  # Pillow scales their samples to 16 bits by the depth in the header
_LOWER_BYTE = {  # Pillow's raw mode that keeps one byte of two -> the raw mode that keeps the other
    **{f"{bands};16L": f"{bands};16B" for bands in ("RGB", "RGBA", "RGBX", "CMYK")},
    **{f"{bands};16B": f"{bands};16L" for bands in ("RGB", "RGBA", "RGBX", "CMYK")},
    "LA;16B": "RGBA",  # both bytes of grey, then both of alpha
}


class SampleDepthWarning(UserWarning):
    """16-bit samples are read as samples of fewer bits, because the image states so or uses no more."""


@dataclass(frozen=True)
class _Depth:
    """The depth of samples.

    Attributes:
        white: the value that becomes 255.
        known: how it is known, in words for the warning; None if no warning is needed.
    """

    white: int
    known: str | None


def in_8_bits(image: "Image") -> "Image":
    """The image with 8 bits per sample; an image that has no more is returned as it is.

    Pass a 16-bit colour image before Pillow has read its pixels, of which Pillow keeps only the upper 8 bits.

    Raises:
        ImageError: its samples are floats outside 0 to 1, whole numbers that do not fit into 16 bits, or 16-bit samples
            in an unsupported byte order or of which Pillow has already dropped bits that are needed.

    Warns:
        SampleDepthWarning: its 16-bit samples are read as samples of fewer bits; the message says which value is read
            as white, and why.
    """
    if image.mode == "F":
        return _of_floats(np.asarray(image))
    if image.mode.startswith("I"):
        return _of_grey(image)
    raw = _raw_mode(image)
    if raw is not None:
        return _of_colours(image, raw)
    if _was_cut(image):
        raise ImageError(
            "its file has 16 bits per sample, but Pillow has kept only the upper 8, which are nearly black: pass the "
            "image as it is before Pillow reads it, or pass the file to predict"
        )
    return image


def _of_floats(values: Pixels) -> "Image":
    from PIL import Image

    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if values.size and not (low >= -0.5 and high <= 1.5):  # as far as resizing overshoots; NaN is in no range
        raise ImageError(
            f"its samples are floats from {low:g} to {high:g}, but only floats from 0 to 1 are read as brightness: "
            "divide them by the value of white"
        )
    return Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8))


def _of_grey(image: "Image") -> "Image":
    from PIL import Image

    bits = _significant_bits(image)  # before Pillow closes the file
    values = np.asarray(image).astype(np.int64)
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > 65_535:
        raise ImageError(
            f"its samples are whole numbers from {low:,} to {high:,}, but only those from 0 to 65,535 are read: scale "
            "them to 16 bits"
        )
    depth = _depth(image, values, bits)
    pixels = _scaled(values, depth)
    if _tags(image).get(_PHOTOMETRIC) == 0:  # 0 is white, which Pillow takes into account only for 8 bits
        pixels = 255 - pixels
    clear = image.info.get("transparency")
    _say(image, depth)
    if isinstance(clear, int):
        return Image.fromarray(np.stack([pixels, np.where(values == clear, 0, 255).astype(np.uint8)], axis=-1))
    return Image.fromarray(pixels)


def _of_colours(image: "Image", raw: str) -> "Image":
    from PIL import Image

    bits, twin = _significant_bits(image), _reopened(image)
    upper = np.asarray(image)  # (H, W, bands)
    if raw not in _LOWER_BYTE or _tags(image).get(_PLANES) == 2:
        raise ImageError(f"the byte order of its 16-bit samples is not supported ({raw}): save it as PNG")
    twin.tile = [_with_raw_mode(tile, _LOWER_BYTE[raw]) for tile in twin.tile]  # type: ignore[attr-defined]
    lower = np.asarray(twin).astype(np.int64)
    values = lower[..., ::2] * 256 + lower[..., 1::2] if raw == "LA;16B" else upper.astype(np.int64) * 256 + lower
    bands = 1 if raw == "LA;16B" else 4 if image.mode == "CMYK" else 3  # the rest is alpha
    depth = _depth(image, values[..., :bands], bits)
    pixels = _scaled(values[..., :bands], depth)
    if values.shape[-1] > bands:
        stated = depth.white if int(values[..., bands:].max(initial=0)) <= depth.white else 65_535
        pixels = np.concatenate([pixels, _scaled(values[..., bands:], _Depth(stated, None))], axis=-1)
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and image.mode == "RGB":
        opaque = np.where((values == np.array(clear)).all(axis=-1, keepdims=True), 0, 255).astype(np.uint8)
        pixels = np.concatenate([pixels, opaque], axis=-1)
    _say(image, depth)
    return Image.frombytes("CMYK", image.size, pixels.tobytes()) if image.mode == "CMYK" else Image.fromarray(pixels)


def _raw_mode(image: "Image") -> str | None:
    """The raw mode of an unread file whose 16-bit samples Pillow would cut to 8 bits; None for all others."""
    tiles = getattr(image, "tile", None)
    if not tiles or getattr(image, "fp", None) is None:
        return None
    args = tiles[0][3]
    raw = args if isinstance(args, str) else args[0] if isinstance(args, tuple) and args else None
    if not isinstance(raw, str) or ";16" not in raw or raw.startswith("BGR"):
        return None
    return raw.replace(";16N", ";16L" if sys.byteorder == "little" else ";16B")


def _with_raw_mode(tile: Any, raw: str) -> Any:
    """A tile, which is one of the parts in which Pillow reads a file, with another raw mode."""
    codec, extents, offset, args = tile
    changed = codec, extents, offset, raw if isinstance(args, str) else (raw, *args[1:])
    return changed if type(tile) is tuple else type(tile)(*changed)


def _was_cut(image: "Image") -> bool:
    """Whether Pillow has cut 16-bit samples to 8 bits, and these show that at most 14 of the 16 bits were used."""
    if image.format not in ("PNG", "TIFF") or image.mode not in ("RGB", "RGBA", "CMYK"):
        return False
    if int(np.asarray(image).max(initial=0)) >= 64:
        return False
    if image.format == "PNG":
        return _bits_of_png(image) > 8
    return max(_as_tuple(_tags(image).get(_BITS_PER_SAMPLE)), default=8) > 8


def _bits_of_png(image: "Image") -> int:
    """The bit depth in the header of a PNG file; 8 if it can no longer be read."""
    head = _head(image)
    return head[24] if len(head) > 24 else 8


def _reopened(image: "Image") -> "Image":
    from PIL import Image

    return Image.open(BytesIO(_head(image)))


def _depth(image: "Image", values: Pixels, significant: int | None) -> _Depth:
    """The depth that the file states, or else the smallest depth that can hold the largest value."""
    if image.format in _SCALED:
        return _Depth(65_535, None)
    largest = int(values.max(initial=0))
    for white, known in (_stated_by_tags(image), _stated_by_png(significant, values)):
        if white and largest <= white:
            return _Depth(white, known)
    bits = next(bits for bits in _DEPTHS if largest < 2**bits)
    return _Depth(2**bits - 1, f"its largest sample is {largest:,}" if bits < 16 else None)


def _as_tuple(found: Any) -> tuple[int, ...]:
    """The value or values of a tag, without those that are not numbers."""
    return tuple(
        int(value) for value in (found if isinstance(found, tuple) else (found,)) if isinstance(value, int | float)
    )


def _stated_by_tags(image: "Image") -> tuple[int, str | None]:
    tags = _tags(image)
    for tag, name in ((_MAX_SAMPLE, "MaxSampleValue"), (_MAX_SAMPLE_S, "SMaxSampleValue")):
        white = max(_as_tuple(tags.get(tag)), default=0)
        if 0 < white < 65_535:  # programs that do not know the depth write 65,535
            return white, f"it states {name} = {white:,}"
    bits = max(_as_tuple(tags.get(_BITS_PER_SAMPLE)), default=0)
    if 8 < bits < 16:  # 16 is the depth of the file, however many bits are in use
        return 2**bits - 1, f"it states {bits} bits per sample"
    return 0, None


def _stated_by_png(bits: int | None, values: Pixels) -> tuple[int, str | None]:
    """White by the chunk sBIT. PNG requires the samples to be scaled to 16 bits, but many programs do not do that."""
    if bits is None or not 0 < bits <= 16:
        return 0, None
    white = 2**bits - 1
    if int(values.max(initial=0)) > white:
        return 65_535, None
    steps = values * (white / 65_535)
    if (
        np.abs(steps - steps.round()).max(initial=0) <= 0.5 * white / 65_535 + 1e-9
        or not (values % 2 ** (16 - bits)).any()
    ):
        return 65_535, None  # all are steps of that depth on the 16-bit scale: a dark image
    return white, f"it states {bits} bits per sample"


def _significant_bits(image: "Image") -> int | None:
    """The largest number of bits that the chunk sBIT of a PNG file states for a colour; None without it.

    The file must still be open, or be readable under its name.
    """
    if image.format != "PNG":
        return None
    content = _head(image)
    at, colour = 8, content[25:26]
    while at + 8 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if kind == b"sBIT":
            data = content[at + 8 : at + 8 + length]
            return max(data[: 3 if colour in (b"\2", b"\6") else 1], default=None)
        if kind in (b"IDAT", b"IEND"):
            return None
        at += length + 12
    return None


def _head(image: "Image") -> bytes:
    """The file, from its beginning; empty if it can no longer be read."""
    file: Any = getattr(image, "fp", None)
    try:
        if file is None:
            name = getattr(image, "filename", "")
            return Path(name).read_bytes() if name else b""
        place = file.tell()
        file.seek(0)
        content: bytes = file.read()
        file.seek(place)
    except (OSError, ValueError):
        return b""
    return content


def _tags(image: "Image") -> Mapping[int, Any]:
    """The tags of a TIFF file; empty for other files."""
    return getattr(image, "tag_v2", None) or {}


def _scaled(values: Pixels, depth: _Depth) -> Pixels:
    """The values as uint8: of 16-bit samples the upper 8 bits, as in Pillow; 8-bit samples stay as they are."""
    if depth.white in (255, 65_535):
        pixels = values // (256 if depth.white == 65_535 else 1)
    else:
        pixels = (values * 255 / depth.white).round()
    return pixels.astype(np.uint8)


def _say(image: "Image", depth: _Depth) -> None:
    if depth.known is not None:
        name = getattr(image, "filename", "")
        warnings.warn(
            f"{printable(name) if name else 'an image'} has 16-bit samples, of which 0 to {depth.white:,} are read as "
            f"black to white: {depth.known}",
            SampleDepthWarning,
            stacklevel=2,
        )
