"""Adapt a trained network to another number of input channels, as timm's `adapt_input_conv` does."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from resnetzoo.data.normalization import Normalization
from resnetzoo.models.blocks.modules import conv2d
from resnetzoo.models.cifar_net import CifarNet


def adapt_input(model: CifarNet, in_chans: int) -> str | None:
    """Adapt a trained network to images of `in_chans` channels; its classes and classifier stay.

    For one channel, the weights of the first convolution are summed over their channels, so that one channel gives what
    copies of it on every channel gave. For any other number they are repeated as often as needed, and scaled by the old
    number of channels divided by the new one. The normalization becomes the average over its channels, or is repeated
    likewise. The weights then no longer belong to a registered row.

    Returns:
        What was done, as a clause for a message; None if nothing had to be done.

    Raises:
        UsageError: `in_chans` is not a whole number above 0.
    """
    found = model.spec.in_chans
    spec = replace(model.spec, in_chans=in_chans)  # checks it
    if in_chans == found:
        return None
    old = model.conv1.weight
    with torch.device("meta"):  # no random numbers for weights that are replaced
        model.conv1 = conv2d(spec.stem)
    weight = torch.nn.Parameter(adapted_weight(old.detach(), in_chans), requires_grad=old.requires_grad)
    model.conv1.weight = weight
    model.conv1.train(model.training)
    model.spec, model.in_chans = spec, in_chans
    known = model.normalization
    how = "summed over them" if in_chans == 1 else f"repeated and scaled by {found}/{in_chans}"
    said = f"it takes images of {in_chans} instead of {found} channels: the weights of conv1 were {how}"
    if known is not None:
        said += f", and its mean and standard deviation are {'their average' if in_chans == 1 else 'repeated'}"
    origin = model.origin
    model.pretrained = replace(
        model.pretrained,
        normalization=None if known is None else adapted_normalization(known, in_chans),
        origin=None if origin is None else replace(origin, notes=(*origin.notes, said)),
        weights=None,
        fingerprint=None,
    )
    return said


def adapted_weight(weight: Tensor, in_chans: int) -> Tensor:
    """Weights (O, I, H, W) of a convolution -> (O, in_chans, H, W)."""
    found = weight.shape[1]
    if in_chans == 1:
        return weight.sum(dim=1, keepdim=True)
    repeated = weight.repeat(1, math.ceil(in_chans / found), 1, 1)[:, :in_chans]
    return (repeated * (found / in_chans)).contiguous()


def adapted_normalization(normalization: Normalization, in_chans: int) -> Normalization:
    """The normalization for `in_chans` channels: the average over the channels for one, otherwise these in turn."""
    mean, std = normalization.mean, normalization.std
    if in_chans == 1:
        return replace(normalization, mean=mean.mean(dim=0, keepdim=True), std=std.mean(dim=0, keepdim=True))
    turn = [channel % len(std) for channel in range(in_chans)]
    return replace(normalization, mean=mean[turn], std=std[turn])
