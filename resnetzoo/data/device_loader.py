"""Training batches gathered from one tensor on the model's device: crop and flip by index, without worker processes.

Every random number of an epoch is drawn at its start from (seed, epoch) on the CPU, so a run goes on in the middle
of an epoch, and on any device, exactly where it stopped. Shapes: N images (C, H, W), n of them in a batch.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.data.constants import PaddingMode
from resnetzoo.data.cutout import Holes, draw_centres
from resnetzoo.data.epoch_random import epoch_generator
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import Normalization, chunk_length

_CHUNK = 500  # images normalized at once, as far as they fit into
_CHUNK_BYTES = 16 << 20  # so many bytes


class EpochAugmentation(NamedTuple):
    """The random part of one epoch: the order of the images, and for each index in it the crop and the flip."""

    order: Tensor  # (N,) which image
    top: Tensor  # (N,) row of the crop's corner in the padded image, 0 to 2 * padding
    left: Tensor  # (N,) column of it
    flip: Tensor  # (N,) bool, left to right


def draw_augmentation(num_images: int, *, seed: int, epoch: int, padding: int, flip: bool) -> EpochAugmentation:
    """Draw the order and augmentation of this epoch: the same for the same arguments, whatever went before."""
    generator = epoch_generator(seed, epoch)
    order = torch.randperm(num_images, device="cpu", generator=generator)
    corners = torch.randint(2 * padding + 1, (2, num_images), device="cpu", generator=generator)
    flips = torch.rand(num_images, dtype=torch.float32, device="cpu", generator=generator) < 0.5
    return EpochAugmentation(order, corners[0], corners[1], flips if flip else torch.zeros_like(flips))


class DeviceLoader:
    """The training set on `device`, normalized once, ready to be cut into augmented batches.

    Its pixels lie one after the other, channels last, each image followed by one pixel of zeros, which stands for all
    of its padding: the padding is zero after normalization, as where the normalized image is padded. A batch is then
    one gather of pixels, and nothing is computed of them.

    Args:
        train: the images.
        normalization: how pixels become input.
        padding: pixels on each side before the crop.
        padding_mode: zeros, or the image mirrored at its border, for which it must be larger than the padding.
        flip: mirror every other image.
        cutout: side of the square hole in each image; 0 makes none.
        device: where the images lie.
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
        self._windows = _places_of_windows(self._height, self._width, padding, padding_mode).to(device)
        self._holes = Holes(cutout, self._height, self._width, device) if cutout else None

    def __len__(self) -> int:
        return len(self._labels)

    def augmentation(self, *, seed: int, epoch: int) -> Tensor:
        """The order and augmentation of an epoch, drawn and copied to the device: what `batch` cuts by.

        int64 (3, N), for each index in the order: the image's first pixel among all pixels, its window (which crop,
        flipped or not), and its label; with cutout a fourth row, the middle of its hole. One tensor, so that a batch
        reads its part of it at once.
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

        Four operations on the device, and those of a hole, all of them on memory that stays where it is, as a CUDA
        graph needs it.
        """
        first_pixel, window, labels, *centre = augmentation[:, indices]  # (n,) each
        places = self._windows.index_select(0, window)  # (n, H * W), in the image
        if self._holes is not None:
            places = places.masked_fill(self._holes.cover(centre[0]), self._height * self._width)
        pixels = places + first_pixel[:, None]
        images = self._pixels.index_select(0, pixels.flatten())  # (n * H * W, C)
        return images.view(-1, self._height, self._width, self._channels).permute(0, 3, 1, 2), labels


def _normalized_pixels(images: Tensor, normalization: Normalization, device: torch.device) -> Tensor:
    """uint8 (N, C, H, W) -> float32 (N * (H * W + 1), C), the last pixel of each image zero."""
    count, channels, height, width = images.shape
    pixels = torch.zeros(count, height * width + 1, channels, dtype=torch.float32, device=device)
    length = chunk_length(4 * channels * height * width, _CHUNK_BYTES, _CHUNK)
    for chunk, place in zip(torch.split(images, length), torch.split(pixels, length), strict=True):
        normalized = normalization(chunk.to(device))  # (n, C, H, W)
        place[:, :-1].view(-1, height, width, channels).copy_(normalized.permute(0, 2, 3, 1))
    return pixels.view(-1, channels)


def _places_of_windows(height: int, width: int, padding: int, mode: PaddingMode) -> Tensor:
    """Which pixel of its image stands where, for every window of the padded image: (2 * (2p+1) * (2p+1), H * W).

    First the windows as they are, row by row, then all of them flipped from left to right. H * W stands for zero.
    int32 is enough inside an image; the sum with an image's first pixel is int64, for large sets have more pixels.
    """
    own = torch.arange(height * width, dtype=torch.float64, device="cpu").view(1, height, width)  # mirrored as floats
    if mode == "reflect":
        padded = F.pad(own, [padding] * 4, mode="reflect")[0]
    else:
        padded = F.pad(own, [padding] * 4, value=height * width)[0]
    windows = padded.unfold(0, height, 1).unfold(1, width, 1)  # (2p+1, 2p+1, H, W): a view
    return torch.stack([windows, windows.flip(3)]).view(-1, height * width).int()
