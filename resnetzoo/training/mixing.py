"""Mixup (arXiv:1710.09412): each training image, and its target, is a mix of two.

With a share s of a batch, drawn from Beta(alpha, alpha), and the image before each one in the batch (before the first,
the last): x = s x + (1 - s) x_before, and its target the same mix of the two targets. So do the authors' code and
torchvision's `v2.MixUp`, of which the former draws the partners and the latter takes these; the order is random as it
is. Cross-entropy is linear in the target, so that the loss is the same mix of two losses, label smoothing included.

Shapes: N images an epoch, n in a batch or a process's part of one; labels (n,), share () from 0 to 1.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.data.epoch_random import MIXUP, epoch_seed
from resnetzoo.training.schedules import steps_per_epoch

_ONE = 1 << 24  # shares are kept as whole numbers, beside the places of pixels; float32 holds each of these exactly


class Mixed(NamedTuple):
    """What was mixed into the images of a batch.

    Attributes:
        labels: (n,) of the images that were mixed in.
        share: () float32, how much each image has of itself.
    """

    labels: Tensor
    share: Tensor

    def larger(self, own: Tensor) -> Tensor:
        """Of each image the label (n,) with the larger share: the most likely class of its target."""
        return torch.where(self.share < 0.5, self.labels, own)


def draw_mixing(num_images: int, batch_size: int, alpha: float, *, seed: int, epoch: int) -> Tensor:
    """How the images of an epoch are mixed: int64 (2, N), for each place in its order.

    The first row is the share in 2^-24, one for all of a batch; the second the place of the image that is mixed in.
    """
    random = np.random.default_rng(epoch_seed(seed, epoch, MIXUP))
    shares = random.beta(alpha, alpha, steps_per_epoch(num_images, batch_size))
    of_batches = torch.from_numpy(np.round(shares * _ONE).astype(np.int64))
    partners = torch.arange(-1, num_images - 1, device="cpu")
    begins = torch.arange(0, num_images, batch_size, device="cpu")
    partners[begins] = (begins + batch_size).clamp(max=num_images) - 1
    return torch.stack([of_batches.repeat_interleave(batch_size)[:num_images], partners])


def share_of(drawn: Tensor) -> Tensor:
    """The share of a batch, float32 (), from the first row of `draw_mixing` at the places of its images, int64 (n,)."""
    return drawn[0].float() / _ONE


def cross_entropy(logits: Tensor, labels: Tensor, mixed: Mixed | None, label_smoothing: float) -> Tensor:
    """Mean cross-entropy () in nats; logits (n, classes), labels (n,)."""
    own = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
    if mixed is None:
        return own
    return torch.lerp(F.cross_entropy(logits, mixed.labels, label_smoothing=label_smoothing), own, mixed.share)
