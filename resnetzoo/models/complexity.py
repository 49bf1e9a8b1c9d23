"""What a network costs, in closed form from its spec: no tensor is made. No torch here."""

from typing import NamedTuple

from resnetzoo.models.registry import get_spec
from resnetzoo.models.spec import BlockShape, ModelSpec
from resnetzoo.utils.validation import check_whole_number


class Complexity(NamedTuple):
    """The cost of one image's forward pass.

    Attributes:
        params: learned numbers (running statistics of batch norm are not learned).
        macs: multiply-adds of convolutions and the classifier; one is two floating-point operations.
        activations: numbers that convolutions and the classifier put out (arXiv:2003.13678, section 3.1).
    """

    params: int
    macs: int
    activations: int


def complexity(model: str | ModelSpec, *, input_size: int = 32) -> Complexity:
    """Parameters, multiply-adds and activations for a square image of `input_size` pixels a side.

    >>> complexity("resnet56").params
    853018

    Args:
        model: a name of the zoo, or a spec.
        input_size: of the image, a side in pixels.

    Raises:
        UnknownModelError: `model` is a name that is not registered.
        UsageError: `input_size` is below 1.
    """
    spec = get_spec(model) if isinstance(model, str) else model
    check_whole_number("input_size", input_size)
    size = input_size
    parts = [_conv(spec.in_chans, spec.widths[0], kernel=3, size=size)]
    for block in spec.blocks():
        parts += _block(spec, block, size)
        size = -(-size // block.stride)
    norm_chans = spec.num_features if spec.family == "preactivation" else spec.widths[0]
    parts += [_norm(norm_chans), _linear(spec.num_features, spec.num_classes)]
    return Complexity(*(sum(column) for column in zip(*parts, strict=True)))


def _block(spec: ModelSpec, block: BlockShape, size: int) -> list[Complexity]:
    """The convolutions and norms of one block; `size` is the side of its input."""
    small = -(-size // block.stride)
    if spec.block == "basic":
        convs = [
            _conv(block.in_chans, block.width, kernel=3, size=small),
            _conv(block.width, block.out_chans, kernel=3, size=small),
        ]
        normed = [block.width, block.out_chans]
    else:
        convs = [
            _conv(block.in_chans, block.width, kernel=1, size=size),
            _conv(block.width, block.width, kernel=3, size=small),
            _conv(block.width, block.out_chans, kernel=1, size=small),
        ]
        normed = [block.width, block.width, block.out_chans]
    if spec.family == "preactivation":  # norms stand before the convolutions
        normed = [block.in_chans, *normed[:-1]]
    parts = convs + [_norm(chans) for chans in normed]
    if spec.has_projection(block):
        parts.append(_conv(block.in_chans, block.out_chans, kernel=1, size=small))
        if spec.family != "preactivation":
            parts.append(_norm(block.out_chans))
    return parts


def _conv(in_chans: int, out_chans: int, *, kernel: int, size: int) -> Complexity:
    """A convolution without bias; `size` is the side of its output."""
    weights = in_chans * out_chans * kernel**2
    return Complexity(weights, weights * size**2, out_chans * size**2)


def _norm(chans: int) -> Complexity:
    return Complexity(2 * chans, 0, 0)


def _linear(in_features: int, out_features: int) -> Complexity:
    return Complexity((in_features + 1) * out_features, in_features * out_features, out_features)
