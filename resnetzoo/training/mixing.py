"""Mixup (arXiv:1710.09412): each training image, and its target, is a mix of two.

For each batch a share s is drawn from Beta(alpha, alpha), and each image is mixed with the previous one of the batch,
the first image with the last: s x + (1 - s) x_previous. The targets are mixed in the same way. torchvision's `v2.MixUp`
pairs the same images, and the authors' code draws the partners at random; the order of the images is random in any
case. Cross-entropy is linear in the target, so the loss is the same mix of two losses, label smoothing included.

Shapes: N images per epoch, n in a batch or in a process's part of one; labels (n,), share () from 0 to 1.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.data.epoch_random import MIXUP, epoch_seed
from resnetzoo.training.schedules import steps_per_epoch

_ONE = 1 << 24  # shares are stored as whole numbers, like the positions of crops; float32 represents all of them


class Mixed(NamedTuple):
    """The images that were mixed into a batch.

    Attributes:
        labels: labels (n,) of the images that were mixed in.
        share: () float32, the share of each image itself in the mix.
    """

    labels: Tensor
    share: Tensor

    def larger(self, own: Tensor) -> Tensor:
        """The label (n,) with the larger share in each image, the most likely class of its target."""
        return torch.where(self.share < 0.5, self.labels, own)


def draw_mixing(num_images: int, batch_size: int, alpha: float, *, seed: int, epoch: int) -> Tensor:
    """How the images of an epoch are mixed: int64 (2, N), with one column per position in the epoch's order.

    The first row is the share in units of 2^-24, the same for a whole batch; the second is the position of the image
    that is mixed in.
    """
    random = np.random.default_rng(epoch_seed(seed, epoch, MIXUP))
    shares = random.beta(alpha, alpha, steps_per_epoch(num_images, batch_size))
    of_batches = torch.from_numpy(np.round(shares * _ONE).astype(np.int64))
    partners = torch.arange(-1, num_images - 1, device="cpu")
    begins = torch.arange(0, num_images, batch_size, device="cpu")
    partners[begins] = (begins + batch_size).clamp(max=num_images) - 1
    return torch.stack([of_batches.repeat_interleave(batch_size)[:num_images], partners])


def share_of(drawn: Tensor) -> Tensor:
    """The share of a batch, float32 (), from the first row of `draw_mixing` for its images, int64 (n,)."""
    return drawn[0].float() / _ONE


def cross_entropy(logits: Tensor, labels: Tensor, mixed: Mixed | None, label_smoothing: float) -> Tensor:
    """Mean cross-entropy () in nats; logits (n, classes), labels (n,)."""
    own = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
    if mixed is None:
        return own
    return torch.lerp(F.cross_entropy(logits, mixed.labels, label_smoothing=label_smoothing), own, mixed.share)
