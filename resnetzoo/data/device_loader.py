"""Training batches cut from one uint8 tensor on the model's device: crop, flip, normalize, without worker processes.

Every random number of an epoch is drawn at its start from (seed, epoch) on the CPU, so a run goes on in the middle
of an epoch, and on any device, exactly where it stopped.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import Normalization


class EpochAugmentation(NamedTuple):
    """The random part of one epoch: the order of the images, and for each index in it the crop and the flip."""

    order: Tensor  # (N,) which image
    top: Tensor  # (N,) row of the crop's corner in the padded image, 0 to 2 * padding
    left: Tensor  # (N,) column of it
    flip: Tensor  # (N,) bool, left to right


def draw_augmentation(num_images: int, *, seed: int, epoch: int, padding: int, flip: bool) -> EpochAugmentation:
    """Draw the order and augmentation of this epoch: the same for the same arguments, whatever went before."""
    state = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1))
    generator = torch.Generator().manual_seed(state)
    order = torch.randperm(num_images, generator=generator)
    corners = torch.randint(2 * padding + 1, (2, num_images), generator=generator)
    flips = torch.rand(num_images, generator=generator) < 0.5
    return EpochAugmentation(order, corners[0], corners[1], flips if flip else torch.zeros_like(flips))


class DeviceLoader:
    """The training set on `device`, ready to be cut into augmented, normalized batches.

    The padding is zero after normalization, as where the normalized image is padded.
    """

    def __init__(
        self, train: ImageSet, normalization: Normalization, *, padding: int, flip: bool, device: torch.device
    ) -> None:
        self.normalization = normalization
        self.padding = padding
        self.flip = flip
        self.device = device
        self.labels = train.labels.to(device)
        size = train.images.shape[2:]
        padded = F.pad(train.images.to(device), [padding] * 4)
        self._windows = _windows(padded, size)  # (N, C, 2p+1, 2p+1, H, W): a view
        mean = normalization.mean.to(device).expand(train.images.shape[1:])
        self._mean_windows = _windows(F.pad(mean, [padding] * 4)[None], size)  # (1, C, 2p+1, 2p+1, H, W)
        self._std = normalization.std.to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def augmentation(self, *, seed: int, epoch: int) -> EpochAugmentation:
        """The order and augmentation of an epoch, on the device."""
        drawn = draw_augmentation(len(self), seed=seed, epoch=epoch, padding=self.padding, flip=self.flip)
        return EpochAugmentation(*(part.to(self.device) for part in drawn))

    def batch(self, augmentation: EpochAugmentation, indices: slice | Tensor) -> tuple[Tensor, Tensor]:
        """The images at these indices of the epoch's order: float32 (n, C, H, W), channels last, and labels (n,)."""
        images, top, left, flip = (part[indices] for part in augmentation)
        pixels = self._windows[images, :, top, left].float() / 255  # (n, C, H, W)
        normalized = (pixels - self._mean_windows[torch.zeros_like(images), :, top, left]) / self._std
        flipped = torch.where(flip[:, None, None, None], normalized.flip(3), normalized)
        return flipped.contiguous(memory_format=torch.channels_last), self.labels[images]


def _windows(padded: Tensor, size: torch.Size) -> Tensor:
    """(N, C, H + 2p, W + 2p) -> every (H, W) window of it, (N, C, 2p+1, 2p+1, H, W), without copying."""
    return padded.unfold(2, size[0], 1).unfold(3, size[1], 1)
