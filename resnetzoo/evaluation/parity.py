"""How closely the outputs of an optimized network agree with the original's, measured on images."""

from dataclasses import dataclass

import torch
from torch import nn

from resnetzoo.data.image_set import ImageSet
from resnetzoo.errors import NonFiniteLossError, UsageError
from resnetzoo.models.answers import checked_logits_of
from resnetzoo.models.introspection import known_normalization
from resnetzoo.models.matching import check_channels
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import check_values, device_of, evaluating, input_dtype
from resnetzoo.utils.validation import check_whole_number


@dataclass(frozen=True)
class Agreement:
    """Two networks compared on `n` images.

    Attributes:
        top1: share of images for which both predict the same class, in percent.
        max_logit_difference: the largest absolute difference between two logits of the same image and class.
        n: number of images.
    """

    top1: float
    max_logit_difference: float
    n: int


def agreement(model: nn.Module, optimized: nn.Module, images: ImageSet, *, batch_size: int = 128) -> Agreement:
    """Compare `optimized` with `model`, both in evaluation mode; neither is changed.

    Args:
        model: the reference, images (N, C, H, W) -> logits (N, classes), in its own type.
        optimized: the network to check, in its own type, on the same device, such as `optimize(model)`.
        images: the images to compare on, such as `data.test`. They are normalized as in the training of `model`, if it
            states that, or else by the mean and standard deviation of `images`.
        batch_size: number of images per batch.

    Raises:
        UsageError: `batch_size` is below one; a network returns something other than logits, such as feature maps; the
            networks have logits of different shapes; `images` is not an `ImageSet`, or has another number of channels
            than a network; the normalization is not known, as in `evaluate`; or a network is on the meta device.
        NonFiniteLossError: a network returns infinite values or NaN.
    """
    check_whole_number("batch_size", batch_size)
    for network in (model, optimized):
        check_channels(network, images)
        check_values(network)
    normalize = known_normalization(model) or images.normalization("channel")
    device = device_of(model)
    same = 0
    largest = torch.zeros((), dtype=torch.float32, device="cpu")
    with evaluating(model), evaluating(optimized), torch.no_grad(), computing(device):
        for pixels in torch.split(images.images, batch_size):
            inputs = normalize(pixels.to(device))  # (n, C, H, W)
            expected, found = (
                checked_logits_of(net, net(inputs.to(input_dtype(net))), len(pixels), len(images.classes)).float()
                for net in (model, optimized)
            )
            if expected.shape != found.shape:
                raise UsageError(
                    f"the networks have logits of different shapes: {list(expected.shape)} and {list(found.shape)}"
                )
            if not (expected.isfinite().all() and found.isfinite().all()):
                raise NonFiniteLossError(
                    "a network returns infinite values or NaN for these images, so there is nothing to compare"
                )
            same += int((expected.argmax(dim=1) == found.argmax(dim=1)).sum())
            largest = torch.maximum(largest, (expected - found).abs().max().cpu())
    return Agreement(top1=100 * same / len(images), max_logit_difference=float(largest), n=len(images))
