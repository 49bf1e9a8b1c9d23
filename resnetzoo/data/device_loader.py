"""Training batches gathered from one tensor on the model's device: crop and flip by index, without worker processes.

Every random number of an epoch is drawn at its start on the CPU, from (seed, epoch). A run can therefore continue in
the middle of an epoch, on any device, exactly where it stopped. Shapes: N images (C, H, W), n of them in a batch.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from resnetzoo.data.constants import PaddingMode
from resnetzoo.data.cutout import Holes, draw_centres
from resnetzoo.data.epoch_random import epoch_generator
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import Normalization, chunk_length
from resnetzoo.data.windows import Windows

_CHUNK = 500  # images normalized at once, if they fit into
_CHUNK_BYTES = 16 << 20  # this many bytes


class EpochAugmentation(NamedTuple):
    """The random part of one epoch: the order of the images, and for each index in it the crop and the flip."""

    order: Tensor  # (N,) indices of the images
    top: Tensor  # (N,) row of the crop's corner in the padded image, 0 to 2 * padding
    left: Tensor  # (N,) column of that corner
    flip: Tensor  # (N,) bool, whether the image is mirrored from left to right


def draw_augmentation(num_images: int, *, seed: int, epoch: int, padding: int, flip: bool) -> EpochAugmentation:
    """Draw the order and augmentation of this epoch; they only depend on the arguments."""
    generator = epoch_generator(seed, epoch)
    order = torch.randperm(num_images, device="cpu", generator=generator)
    corners = torch.randint(2 * padding + 1, (2, num_images), device="cpu", generator=generator)
    flips = torch.rand(num_images, dtype=torch.float32, device="cpu", generator=generator) < 0.5
    return EpochAugmentation(order, corners[0], corners[1], flips if flip else torch.zeros_like(flips))


class DeviceLoader:
    """The training set on `device`, normalized once, ready to be cut into augmented batches.

    Its pixels are stored one after the other, channels last, and each image is followed by one pixel of zeros that
    serves as all of its padding: padding is zero after normalization, as if the normalized image had been padded. A
    batch is then a single gather of pixels, without any arithmetic on them.

    Args:
        train: the images.
        normalization: the map from pixels to input.
        padding: pixels added on each side before the crop.
        padding_mode: `zeros`, or `reflect` to mirror the image at its border; it must then be larger than the padding.
        flip: whether to mirror each image with a probability of 1/2.
        cutout: side of the square hole in each image, in pixels; 0 for no hole.
        device: device that stores the images.
    """

    def __init__(
        self,
        train: ImageSet,
        normalization: Normalization,
        *,
        padding: int,
        padding_mode: PaddingMode = "zeros",
        flip: bool,
        cutout: int = 0,
        device: torch.device,
    ) -> None:
        self.normalization = normalization
        self.padding = padding
        self.flip = flip
        self.device = device
        self._labels = train.labels.cpu()
        self._channels, self._height, self._width = train.images.shape[1:]
        self._pixels = _normalized_pixels(train.images, normalization, device)
        self._windows = Windows(self._height, self._width, padding, padding_mode, device)
        self._holes = Holes(cutout, self._height, self._width, device) if cutout else None

    def __len__(self) -> int:
        return len(self._labels)

    def augmentation(self, *, seed: int, epoch: int) -> Tensor:
        """Draw the order and augmentation of an epoch for `batch`, and copy them to the device.

        The result is int64 (3, N). For each index in the order it has the position of the image's first pixel among
        all pixels, its window (which crop, flipped or not) and its label; with cutout, a fourth row has the centre of
        its hole. It is one tensor so that a batch reads its part in one operation.
        """
        drawn = draw_augmentation(len(self), seed=seed, epoch=epoch, padding=self.padding, flip=self.flip)
        corners = 2 * self.padding + 1  # in each direction
        first_pixel = drawn.order * (self._height * self._width + 1)
        window = (drawn.flip * corners + drawn.top) * corners + drawn.left
        rows = [first_pixel, window, self._labels[drawn.order]]
        if self._holes is not None:
            rows.append(draw_centres(len(self), self._height, self._width, seed=seed, epoch=epoch))
        return torch.stack(rows).to(self.device)

    def batch(self, augmentation: Tensor, indices: slice | Tensor) -> tuple[Tensor, Tensor]:
        """The images at these indices of the epoch's order: float32 (n, C, H, W), channels last, and labels (n,).

        This takes four operations on the device, and those for a hole. All of them use memory with fixed addresses, as
        a CUDA graph requires.
        """
        first_pixel, window, labels, *centre = augmentation[:, indices]  # (n,) each
        places = self._windows.places(window)  # (n, H * W), in the image
        if self._holes is not None:
            places = places.masked_fill(self._holes.cover(centre[0]), self._height * self._width)
        pixels = places + first_pixel[:, None]
        images = self._pixels.index_select(0, pixels.flatten())  # (n * H * W, C)
        return images.view(-1, self._height, self._width, self._channels).permute(0, 3, 1, 2), labels


def _normalized_pixels(images: Tensor, normalization: Normalization, device: torch.device) -> Tensor:
    """uint8 (N, C, H, W) -> float32 (N * (H * W + 1), C), where the last pixel of each image is zero."""
    count, channels, height, width = images.shape
    pixels = torch.zeros(count, height * width + 1, channels, dtype=torch.float32, device=device)
    length = chunk_length(4 * channels * height * width, _CHUNK_BYTES, _CHUNK)
    for chunk, place in zip(torch.split(images, length), torch.split(pixels, length), strict=True):
        normalized = normalization(chunk.to(device))  # (n, C, H, W)
        place[:, :-1].view(-1, height, width, channels).copy_(normalized.permute(0, 2, 3, 1))
    return pixels.view(-1, channels)
