"""Cutout (arXiv:1708.04552, section 3.2): one square hole in each training image, of zeros after normalization.

The centre is drawn uniformly from all pixels, and the part of the square outside the image is cut off. As in the
authors' code, a hole of 16 pixels around row y covers the rows y - 8 to y + 7. torchvision's `RandomErasing` differs:
it also draws the size and the aspect ratio, and keeps its rectangles inside the image.
"""

import torch
from torch import Tensor

from resnetzoo.data.epoch_random import CUTOUT, epoch_generator


def draw_centres(num_images: int, height: int, width: int, *, seed: int, epoch: int) -> Tensor:
    """The index of the pixel at the centre of each image's hole, counted row by row from 0: int64 (N,)."""
    generator = epoch_generator(seed, epoch, CUTOUT)
    return torch.randint(height * width, (num_images,), device="cpu", generator=generator)


class Holes:
    """Which pixels of an image a hole covers.

    Args:
        side: side of the square, in pixels.
        height: height of the images.
        width: width of the images.
        device: device of the centres passed to `cover`.
    """

    def __init__(self, side: int, height: int, width: int, device: torch.device) -> None:
        self._side = side
        self._width = width
        pixels = torch.arange(height * width, device=device)
        self._rows, self._columns = pixels // width, pixels % width  # (H * W,) each

    def cover(self, centres: Tensor) -> Tensor:
        """Centre pixels (n,) -> covered pixels, bool (n, H * W), without waiting for the device."""
        rows = self._rows - centres[:, None] // self._width  # (n, H * W): below the centre
        columns = self._columns - centres[:, None] % self._width
        return self._is_near(rows) & self._is_near(columns)

    def _is_near(self, distance: Tensor) -> Tensor:
        first = -(self._side // 2)
        return (distance >= first) & (distance < first + self._side)
