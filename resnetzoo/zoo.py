"""Ways to make a network: by name, or by depth."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from resnetzoo.errors import UsageError
from resnetzoo.network import CifarNet
from resnetzoo.registry import get_spec
from resnetzoo.seeding import seeded
from resnetzoo.spec import Block, ModelSpec, Shortcut
from resnetzoo.weights.trained import trained_network


def create(
    name: str,
    *,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: Shortcut | None = None,
    zero_init_residual: bool | None = None,
    seed: int | None = None,
    weights: bool | str | Path | None = None,
) -> CifarNet:
    """A network by its name: with fresh weights in training mode, or with trained ones in evaluation mode.

    >>> create("resnet20", num_classes=100).spec.num_classes
    100
    >>> create("resnet20", weights=True).weights.name
    'resnet20.modern_c10'

    Args:
        name: one of `list_models()`.
        num_classes: length of the logits; the registered spec's (10) if left out.
        in_chans: channels of the images; the registered spec's (3) if left out.
        shortcut: `identity`, `projection` or `projection_all`; the registered spec's if left out.
        zero_init_residual: start each residual branch at zero.
        seed: of the weights; left out, they come from torch's random state, which otherwise stays as it is.
        weights: True for the network's first row of `list_weights`, a row's name or tag (`akamaster_c10`), a file that
            `load_checkpoint` reads, or an https address of one. They bring their shortcut and classes along; with
            another `num_classes` the classifier is fresh.

    Raises:
        UnknownModelError: no such name; the message lists near ones.
        UsageError: a choice that the network cannot have, or weights that are not there or of another network.
        CheckpointError: a file of weights that cannot be read, or is not the one that was published.
        DownloadError: weights that could not be fetched.
    """
    if weights is not None and weights is not False:
        if zero_init_residual:
            raise UsageError("zero_init_residual is about fresh weights: leave it out, or weights")
        return trained_network(name, weights, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut, seed=seed)
    choices: dict[str, Any] = {
        "num_classes": num_classes,
        "in_chans": in_chans,
        "shortcut": shortcut,
        "zero_init_residual": zero_init_residual,
    }
    made = {field: value for field, value in choices.items() if value is not None}
    spec = replace(get_spec(name), **made)
    return fresh_network(spec, seed)


def fresh_network(spec: ModelSpec, seed: int | None) -> CifarNet:
    """The network of a spec with the weights that `create(..., seed=seed)` would give it."""
    with seeded(seed):
        return CifarNet(spec)


def plainnet(depth: int, *, num_classes: int = 10, in_chans: int = 3) -> CifarNet:
    """A plain network of any depth 6n+2: `plainnet(26)`.

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
    """A residual network of any depth 6n+2, or 9n+2 with bottleneck blocks: `resnet(29, block="bottleneck")`.

    Args:
        depth: weighted layers, 6n+2, or 9n+2 with bottleneck blocks.
        block: `basic` (two 3x3 convolutions) or `bottleneck` (1x1, 3x3, 1x1).
        shortcut: `identity` (option A), `projection` (B) or `projection_all` (C).
        num_classes: length of the logits.
        in_chans: channels of the images.
        zero_init_residual: start each residual branch at zero.

    Raises:
        UsageError: a depth (the message gives the nearest valid one), word or count that cannot be.
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
        UsageError: a depth (the message gives the nearest valid one), word or count that cannot be.
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
