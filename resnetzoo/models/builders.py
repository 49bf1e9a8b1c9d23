"""Build a network from a spec, or by its family and depth."""

from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.spec import Block, ModelSpec, Shortcut
from resnetzoo.utils.random import seeded


def fresh_network(spec: ModelSpec, seed: int | None) -> CifarNet:
    """The network of a spec with the weights that `create(..., seed=seed)` would give it."""
    with seeded(seed):
        return CifarNet(spec)


def plainnet(depth: int, *, num_classes: int = 10, in_chans: int = 3) -> CifarNet:
    """A plain network of any depth 6n+2, for example `plainnet(26)`.

    Args:
        depth: weighted layers, 6n+2.
        num_classes: length of the logits.
        in_chans: channels of the images.

    Raises:
        UsageError: the depth is not 6n+2 (the message gives the nearest), or a count is below 1.
    """
    return CifarNet(ModelSpec("plain", depth, num_classes=num_classes, in_chans=in_chans))


def resnet(
    depth: int,
    *,
    block: Block = "basic",
    shortcut: Shortcut = "identity",
    num_classes: int = 10,
    in_chans: int = 3,
    zero_init_residual: bool = False,
) -> CifarNet:
    """A residual network of any depth 6n+2, or 9n+2 with bottleneck blocks, as `resnet(29, block="bottleneck")`.

    Args:
        depth: weighted layers, 6n+2, or 9n+2 with bottleneck blocks.
        block: `basic` (two 3x3 convolutions) or `bottleneck` (1x1, 3x3, 1x1).
        shortcut: `identity` (option A), `projection` (B) or `projection_all` (C).
        num_classes: length of the logits.
        in_chans: channels of the images.
        zero_init_residual: start each residual branch at zero.

    Raises:
        UsageError: an invalid depth (the message gives the nearest valid one), option or count.
    """
    return CifarNet(
        ModelSpec(
            "residual",
            depth,
            block=block,
            shortcut=shortcut,
            num_classes=num_classes,
            in_chans=in_chans,
            zero_init_residual=zero_init_residual,
        )
    )


def preresnet(
    depth: int,
    *,
    block: Block = "basic",
    shortcut: Shortcut = "identity",
    num_classes: int = 10,
    in_chans: int = 3,
    zero_init_residual: bool = False,
) -> CifarNet:
    """A pre-activation network (arXiv:1603.05027) of any depth 6n+2, or 9n+2 with bottleneck blocks.

    Args:
        depth: weighted layers, 6n+2, or 9n+2 with bottleneck blocks.
        block: `basic` (two 3x3 convolutions) or `bottleneck` (1x1, 3x3, 1x1).
        shortcut: `identity` (option A), `projection` (B) or `projection_all` (C).
        num_classes: length of the logits.
        in_chans: channels of the images.
        zero_init_residual: start each residual branch at zero.

    Raises:
        UsageError: an invalid depth (the message gives the nearest valid one), option or count.
    """
    return CifarNet(
        ModelSpec(
            "preactivation",
            depth,
            block=block,
            shortcut=shortcut,
            num_classes=num_classes,
            in_chans=in_chans,
            zero_init_residual=zero_init_residual,
        )
    )
