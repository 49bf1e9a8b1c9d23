"""From an image of any size and mode to what a network takes. torchvision is imported where an image comes in."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.normalization import Normalization

if TYPE_CHECKING:
    from PIL.Image import Image

INPUT_SIZE = 32  # pixels: CIFAR's


class ImageTransform(nn.Module):
    """An image, resized to `size` on its shorter side and cropped in the middle, as normalized input.

    Takes a PIL image of any mode (where it is transparent it becomes white), or a tensor, uint8 or float from 0 to 1,
    (C, H, W) or (N, C, H, W), of any size; gives float32 (C, size, size) or (N, C, size, size). An image of the right
    size is not resampled.

    Args:
        normalization: as in the network's training.
        size: pixels.
    """

    def __init__(self, normalization: Normalization, size: int = INPUT_SIZE) -> None:
        super().__init__()
        self.normalization = normalization
        self.size = size

    def forward(self, image: "Image | Tensor") -> Tensor:
        """Raises UsageError: a tensor of another shape or type."""
        from torchvision.transforms.v2 import InterpolationMode, functional

        pixels = _pixels(image, channels=len(self.normalization.std))  # uint8 (..., C, H, W)
        if pixels.shape[-2:] != (self.size, self.size):
            pixels = functional.resize(pixels, [self.size], InterpolationMode.BICUBIC, antialias=True)
            pixels = functional.center_crop(pixels, [self.size, self.size])
        normalized: Tensor = self.normalization(pixels)
        return normalized

    def extra_repr(self) -> str:
        return f"normalization={self.normalization.to_dict()}, size={self.size}"


def _pixels(image: "Image | Tensor", channels: int) -> Tensor:
    if isinstance(image, Tensor):
        if image.dim() not in (3, 4) or image.shape[-3] != channels:
            raise UsageError(f"expected an image ({channels}, H, W) or (N, {channels}, H, W), not {list(image.shape)}")
        if image.is_floating_point():
            return (image * 255).round().clamp(0, 255).to(torch.uint8)
        if image.dtype != torch.uint8:
            raise UsageError(f"expected pixels as uint8, or as float from 0 to 1, not {image.dtype}")
        return image
    from torchvision.transforms.v2.functional import pil_to_tensor

    pixels: Tensor = pil_to_tensor(flatten(image).convert("RGB" if channels == 3 else "L"))
    return pixels


def flatten(image: "Image") -> "Image":
    """The image with white where it is transparent, and with 8 bits instead of 16."""
    from PIL import Image

    if image.mode.startswith("I;16") or image.mode == "I":
        return image.point(lambda value: value / 256).convert("L")
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    colours = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
