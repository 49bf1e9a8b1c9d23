"""From an image of any size and mode to what a network takes. torchvision is imported where an image comes in."""

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import ImageError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

_LONGEST = 32  # times the shorter side: what is kept of the longer one before resizing
_OVERSHOOT = 0.5


class ImageTransform(nn.Module):
    """An image, resized to `size` on its shorter side and cropped in the middle, as normalized input.

    Takes a PIL image of any mode (where it is transparent it becomes white), or a tensor, uint8 or float from 0 to 1,
    (C, H, W) or (N, C, H, W), of any size; gives float32 (C, size, size) or (N, C, size, size). An image of the right
    size is not resampled.

    Args:
        normalization: as in the network's training.
        size: pixels; left out, as in the network's training.

    Raises:
        UsageError: the network was trained on images that are not square, with a mean for each place.
    """

    def __init__(self, normalization: Normalization, size: int | None = None) -> None:
        super().__init__()
        self.normalization = normalization
        self.size = normalization.input_size if size is None else size

    if TYPE_CHECKING:

        def __call__(self, image: "Image | Tensor") -> Tensor:
            """What `forward` gives; `nn.Module` itself promises anything."""

    def forward(self, image: "Image | Tensor") -> Tensor:
        """The network's input.

        Raises:
            UsageError: no image, one without pixels, or a tensor of another shape, type or range.
            ImageError: a PIL image of a mode that Pillow does not turn into pixels.
        """
        from torchvision.transforms.v2 import InterpolationMode, functional

        pixels = _pixels(image, channels=len(self.normalization.std))  # uint8 (..., C, H, W)
        if not pixels.shape[-1] or not pixels.shape[-2]:
            raise UsageError(f"expected an image of at least one pixel, found one of shape {list(pixels.shape)}")
        if pixels.shape[-2:] != (self.size, self.size):
            pixels = _middle(pixels)
            pixels = functional.resize(pixels, [self.size], InterpolationMode.BICUBIC, antialias=True)
            pixels = functional.center_crop(pixels, [self.size, self.size])
        normalized: Tensor = self.normalization(pixels)
        return normalized

    def extra_repr(self) -> str:
        return f"normalization={self.normalization.to_dict()}, size={self.size}"


def _middle(pixels: Tensor) -> Tensor:
    """The middle of an image that is very long, so that resizing computes little that is cropped away: (..., H, W)."""
    shorter = min(pixels.shape[-2:])
    for dim in (-2, -1):
        surplus = (pixels.shape[dim] - _LONGEST * shorter) // 2  # on either side
        if surplus > 0:
            pixels = pixels.narrow(dim, surplus, pixels.shape[dim] - 2 * surplus)
    return pixels


def _pixels(image: "Image | Tensor", channels: int) -> Tensor:
    """uint8 (..., C, H, W)."""
    if isinstance(image, Tensor):
        return _pixels_of_tensor(image, channels)
    from PIL.Image import Image as PILImage
    from torchvision.transforms.v2.functional import pil_to_tensor

    if not isinstance(image, PILImage):
        raise UsageError(
            f"expected a PIL image or a tensor, not {type(image).__name__}: PIL.Image.open reads a file, "
            "PIL.Image.fromarray takes an array (H, W, C)"
        )
    if channels not in (1, 3):
        raise UsageError(f"a network of {channels} channels takes no PIL images: give it tensors ({channels}, H, W)")
    with torch.device("cpu"):  # whatever the default device is
        pixels: Tensor = pil_to_tensor(flatten(image, "RGB" if channels == 3 else "L"))
    return pixels


def _pixels_of_tensor(image: Tensor, channels: int) -> Tensor:
    if image.dim() not in (3, 4) or image.shape[-3] != channels:
        raise UsageError(f"expected an image ({channels}, H, W) or (N, {channels}, H, W), not {list(image.shape)}")
    if image.is_floating_point():
        return _pixels_of_floats(image)
    if image.dtype != torch.uint8:
        raise UsageError(f"expected pixels as uint8, or as float from 0 to 1, not {image.dtype}")
    return image


def _pixels_of_floats(image: Tensor) -> Tensor:
    if image.numel():
        low, high = (float(value) for value in image.aminmax())
        # Resizing overshoots 0 and 1 by a little; pixels of 0 to 255, and what is normalized already, by more.
        if not (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):
            raise UsageError(
                f"expected floats from 0 to 1, found {low:g} to {high:g}: give pixels of 0 to 255 as uint8, and none "
                "that are normalized already"
            )
    return (image * 255).round().clamp(0, 255).to(torch.uint8)


def flatten(image: "Image", mode: Literal["RGB", "L"]) -> "Image":
    """The image in this mode, with white where it is transparent, and with 8 bits where it has more.

    Raises:
        ImageError: Pillow knows no way from its mode to this one.
    """
    from PIL import Image

    if image.mode == "F" or image.mode.startswith("I"):
        image = _in_8_bits(image)
    try:
        if "A" in image.getbands() or "transparency" in image.info:
            colours = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
        return image.convert(mode)
    except ValueError as error:
        raise ImageError(f"of a kind that Pillow does not turn into pixels ({error})") from error


def _in_8_bits(image: "Image") -> "Image":
    """A grey image of whole numbers or floats, on the scale that its largest value is on: 1, 255 or 65,535."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image)
    largest = np.nanmax(values, initial=0)
    if image.mode == "F":
        values = np.nan_to_num(values) if largest > 1 else (np.nan_to_num(values) * 255).round()
    elif largest > 255:
        values = values // 256
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))
