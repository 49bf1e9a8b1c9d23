"""Collect images in one tensor, each resized when it is added, so that no photo is kept in its full size."""

from typing import Any

import torch
from torch import Tensor

from resnetzoo.data.resizing import square
from resnetzoo.errors import DataError, UsageError
from resnetzoo.utils.text import some


class ImageStack:
    """PIL images or tensors (C, H, W) as one tensor uint8 (N, C, H, W): grey if all of them are, otherwise in colour.

    A grey image is kept as one channel, which is repeated if any other image is in colour: resizing gives the same
    values for a single channel as for that channel among others. Which PIL images are grey, `transforms.is_grey` says.

    Args:
        size: number of pixels to which the shorter side is resized (bicubic, antialiased) before the middle is cropped;
            an image of that size is not resampled. None leaves images as they are.
    """

    def __init__(self, size: int | None) -> None:
        self._size = size
        self._pixels: list[Tensor] = []  # uint8 (C, H, W)

    def add(self, image: Any) -> None:
        """Add the next image.

        Raises:
            DataError: it is not an image, has no pixels, or is a tensor of another shape, type or range.
            ImageError: it is a PIL image of a mode that Pillow cannot convert to pixels.
        """
        from resnetzoo.data.transforms import as_pixels, is_grey

        try:
            channels = image.shape[0] if isinstance(image, Tensor) and image.dim() == 3 else 1 if is_grey(image) else 3
            pixels = as_pixels(image, channels)
            if pixels.dim() != 3:
                raise UsageError(f"expected an image ({channels}, H, W), not {list(pixels.shape)}")
        except UsageError as error:
            raise DataError(f"image {len(self._pixels)}: {error}") from error
        if self._size is not None and pixels.shape[1:] != (self._size, self._size):
            pixels = square(pixels, self._size).clone()  # a view would keep what was cropped
        self._pixels.append((pixels * 255).round().to(torch.uint8) if pixels.is_floating_point() else pixels)

    def stacked(self) -> Tensor:
        """All images, of which there must be at least one.

        Raises:
            DataError: images that were not resized have different sizes; or the numbers of channels differ, and are not
                1 and 3.
        """
        counts = sorted({len(pixels) for pixels in self._pixels})
        if len(counts) > 1 and counts != [1, 3]:
            found = some([str(count) for count in counts])
            raise DataError(f"all images (C, H, W) must have the same number of channels, but they have {found}")
        channels = counts[-1]
        shapes = sorted({(channels, *pixels.shape[1:]) for pixels in self._pixels})
        if len(shapes) > 1:
            raise DataError(
                f"the images have {len(shapes)} different sizes, from {list(shapes[0])} to {list(shapes[-1])} "
                "(C, H, W): size=32 resizes the shorter side of each to 32 pixels and crops the centre"
            )
        return torch.stack([pixels.expand(channels, -1, -1) for pixels in self._pixels])
