"""Convert an image of any size and mode to the input of a network."""

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from resnetzoo.data.normalization import Normalization, check_floats
from resnetzoo.data.resizing import square
from resnetzoo.data.sample_depth import in_8_bits
from resnetzoo.errors import ImageError, UsageError
from resnetzoo.utils.validation import check_kind

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageTransform(nn.Module):
    """Resize an image to `size` on its shorter side, crop its middle, and normalize it.

    The image is a PIL image of any mode, whose transparent areas become white, or a tensor (C, H, W) or (N, C, H, W) of
    uint8 or of floats from 0 to 1, of any size. The result is float32 (C, size, size) or (N, C, size, size), but floats
    keep their type, and gradients flow back to them. An image of the right size is not resampled.

    Args:
        normalization: the normalization of the network's training.
        size: side of the result in pixels; by default as in the network's training.

    Raises:
        UsageError: `normalization` is not a `Normalization`; or `size` is left out, and the network was trained with
            one mean per pixel position on images that are not square.
    """

    def __init__(self, normalization: Normalization, size: int | None = None) -> None:
        super().__init__()
        check_kind("normalization", normalization, Normalization)
        self.normalization = normalization
        self.size = normalization.input_size if size is None else size

    if TYPE_CHECKING:

        def __call__(self, image: "Image | Tensor") -> Tensor:
            """The result of `forward`; `nn.Module` itself is typed to return anything."""

    def forward(self, image: "Image | Tensor") -> Tensor:
        """The network's input.

        Raises:
            UsageError: `image` is not an image, has no pixels, or is a tensor of another shape, type or range.
            ImageError: `image` is a PIL image of a mode that Pillow cannot convert to pixels.
        """
        pixels = square(as_pixels(image, channels=len(self.normalization.std)), self.size)  # (..., C, H, W)
        normalized: Tensor = self.normalization(pixels)
        return normalized

    def extra_repr(self) -> str:
        return f"normalization={self.normalization.to_dict()}, size={self.size}"


def as_pixels(image: "Image | Tensor", channels: int) -> Tensor:
    """A PIL image of any mode, or a tensor, as (..., C, H, W): uint8, or floats from 0 to 1 if the tensor has floats.

    Raises:
        UsageError: `image` is not an image, has no pixels, or is a tensor of another shape, type or range.
        ImageError: `image` is a PIL image of a mode that Pillow cannot convert to pixels.
    """
    pixels = _pixels_of_tensor(image, channels) if isinstance(image, Tensor) else _pixels_of_image(image, channels)
    if not pixels.shape[-1] or not pixels.shape[-2]:
        raise UsageError(f"expected an image of at least one pixel, found one of shape {list(pixels.shape)}")
    return pixels


def _pixels_of_image(image: "Image", channels: int) -> Tensor:
    from PIL.Image import Image as PILImage

    if not isinstance(image, PILImage):
        raise UsageError(
            f"expected a PIL image or a tensor, not {type(image).__name__}: open a file with PIL.Image.open, and "
            "convert an array (H, W, C) with PIL.Image.fromarray"
        )
    if channels not in (1, 3):
        raise UsageError(
            f"a network with {channels} channels does not take PIL images: pass tensors ({channels}, H, W)"
        )
    flat = np.array(flatten(image, "RGB" if channels == 3 else "L"))  # (H, W, 3) or (H, W)
    return torch.from_numpy(flat.reshape(*flat.shape[:2], channels)).permute(2, 0, 1)


def _pixels_of_tensor(image: Tensor, channels: int) -> Tensor:
    if image.dim() not in (3, 4) or image.shape[-3] != channels:
        raise UsageError(f"expected an image ({channels}, H, W) or (N, {channels}, H, W), not {list(image.shape)}")
    if image.dtype == torch.uint8:
        return image
    check_floats(image)
    return image.clamp(0, 1)


def flatten(image: "Image", mode: Literal["RGB", "L"]) -> "Image":
    """The image in this mode, with transparent areas made white, and with at most 8 bits per sample.

    Raises:
        ImageError: Pillow cannot convert its mode to this one, or its samples are out of range.

    Warns:
        SampleDepthWarning: its 16-bit samples are read as samples of fewer bits.
    """
    from PIL import Image

    image = in_8_bits(image)
    try:
        if "A" in image.getbands() or "transparency" in image.info:
            colours = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
        return image.convert(mode)
    except ValueError as error:
        raise ImageError(f"of a kind that Pillow cannot convert to pixels ({error})") from error


def is_grey(image: object) -> bool:
    """Whether an object is a PIL image without colours: by its mode, with or without alpha, or by its palette.

    A palette counts by the entries that the pixels use, on white where they are transparent.

    Raises:
        ImageError: Pillow cannot convert its palette to colours.
    """
    from PIL.Image import Image as PILImage

    if not isinstance(image, PILImage):
        return False
    if image.mode not in ("P", "PA"):
        return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;")
    red, green, blue = flatten(image, "RGB").split()
    return red.tobytes() == green.tobytes() == blue.tobytes()
