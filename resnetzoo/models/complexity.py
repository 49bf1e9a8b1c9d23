"""The cost of a network, in closed form from its spec: no tensor is created. No torch here."""

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from resnetzoo.models.shapes import BlockShape, ConvShape
from resnetzoo.models.spec import ModelSpec
from resnetzoo.models.spec_of import spec_of
from resnetzoo.utils.validation import check_whole_number

if TYPE_CHECKING:
    from torch import nn


class Complexity(NamedTuple):
    """The cost of one image's forward pass.

    Attributes:
        params: number of learned parameters, without the running statistics of batch norm.
        macs: multiply-adds of the convolutions and the classifier; each is two floating-point operations.
        activations: output elements of all convolutions and the classifier (arXiv:2003.13678, section 3.1).
    """

    params: int
    macs: int
    activations: int


def complexity(model: "str | ModelSpec | nn.Module", *, input_size: int = 32) -> Complexity:
    """Parameters, multiply-adds and activations for a square image with sides of `input_size` pixels.

    >>> complexity("resnet56").params
    853018

    Args:
        model: a name of the zoo, a spec, or a network of this package, which may be wrapped. For a network, its spec
            is used, with as many input channels and classes as it has now.
        input_size: side of the image in pixels.

    Raises:
        UnknownModelError: `model` is a name that is not registered.
        UsageError: `input_size` is below 1, or `model` is something else, or a network that no spec describes any more.
    """
    spec = spec_of(model, "complexity")
    check_whole_number("input_size", input_size)
    size = input_size
    parts = _conv(spec.stem, size)
    for block in spec.blocks():
        parts += _block(spec, block, size)
        size = strided(size, block.stride)
    if spec.norm_first and spec.last_norm:
        parts.append(_norm(spec.num_features))
    parts.append(_linear(spec.num_features, spec.num_classes))
    return Complexity(*(sum(column) for column in zip(*parts, strict=True)))


def _block(spec: ModelSpec, block: BlockShape, size: int) -> list[Complexity]:
    """The convolutions and norms of one block; `size` is the side of its input."""
    projection = spec.projection(block)
    parts = _conv(projection, size) if projection else []
    for conv in spec.convs(block):
        parts += _conv(conv, size)
        size = strided(size, conv.stride)
    return parts


def _conv(conv: ConvShape, size: int) -> list[Complexity]:
    """A convolution without bias, and its norm; `size` is the side of its input."""
    positions = strided(size, conv.stride) ** 2
    weights = prod(conv.weight_shape)
    return [Complexity(weights, weights * positions, conv.out_chans * positions), _norm(conv.norm_chans)]


def strided(size: int, stride: int) -> int:
    """The side of a feature map after a stride, rounded up."""
    return -(-size // stride)


def _norm(chans: int) -> Complexity:
    return Complexity(2 * chans, 0, 0)


def _linear(in_features: int, out_features: int) -> Complexity:
    return Complexity((in_features + 1) * out_features, in_features * out_features, out_features)
