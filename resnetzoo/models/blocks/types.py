"""The kinds of blocks as data: the formula, the convolutions of F, and what other modules need to know. No torch here.

`modules` has a module for each row, which computes the formula.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from resnetzoo.errors import UsageError
from resnetzoo.models.shapes import BlockShape, ConvShape

Family = Literal["plain", "residual", "preactivation"]
Convs = tuple[ConvShape, ...]


@dataclass(frozen=True)
class FamilyType:
    """What all blocks of a family have in common: how F, the shortcut and the activations are put together.

    Attributes:
        name: name of the family.
        formula: formula of a block, where F is its stack of convolutions.
        builder: name of the public function that builds a network of any depth.
        paper: number of the arXiv paper that introduced the family.
        norm_first: whether norm and ReLU come before each convolution, so that a last pair comes before the pooling.
        has_shortcuts: whether a shortcut is added to F.
        activations: a description of where the norms and ReLUs are, line by line; `{norm}` stands for the kind of norm.
    """

    name: Family
    formula: str
    builder: str
    paper: str
    norm_first: bool
    has_shortcuts: bool
    activations: tuple[str, ...]


@dataclass(frozen=True)
class BlockType:
    """A kind of block.

    Attributes:
        family: the family, which determines how the block is put together.
        block: its name in a spec, such as `bottleneck`.
        prefix: prefix of the names of networks that consist of it, such as `resnet` in `resnet56`.
        convs: function that returns the convolutions of F for the shape of a block.
        last: name of the layer whose output is that of F. If its weight is zero, F is zero.
        expansion: output channels of the block, divided by the width of its stage in a spec.
        usual_shortcut: the shortcut that is meant if names and tables mention none.
        grouped_prefix: prefix of the names of networks whose 3x3 convolutions have groups; None if they cannot.
        strided_conv: which convolution, counted from 1, halves height and width by default.
        takes_dropout: whether there may be dropout before its second convolution.
        counts_projections: whether depths may be counted as in arXiv:1605.07146, with projections in place of `fc`.
    """

    family: FamilyType
    block: str
    prefix: str
    convs: Callable[[BlockShape], Convs]
    last: str
    expansion: int = 1
    usual_shortcut: str = "identity"
    grouped_prefix: str | None = None
    strided_conv: int = 1
    takes_dropout: bool = False
    counts_projections: bool = False

    @property
    def takes_groups(self) -> bool:
        """Whether its 3x3 convolution may have groups (arXiv:1611.05431)."""
        return self.grouped_prefix is not None

    @property
    def layers(self) -> int:
        """Number of convolutions in F, by which the depth of a network is counted."""
        return len(self.convs(BlockShape("", 1, 1, self.expansion, 1)))


PLAIN = FamilyType(
    name="plain",
    formula="y = relu(F(x))",
    builder="plainnet",
    paper="1512.03385",
    norm_first=False,
    has_shortcuts=False,
    activations=("{norm} norm and ReLU after each convolution",),
)
RESIDUAL = FamilyType(
    name="residual",
    formula="y = relu(F(x) + shortcut(x))",
    builder="resnet",
    paper="1512.03385",
    norm_first=False,
    has_shortcuts=True,
    activations=("{norm} norm and ReLU after each convolution;", "a block's last ReLU comes after its addition"),
)
PREACTIVATION = FamilyType(
    name="preactivation",
    formula="y = x + F(x)",
    builder="preresnet",
    paper="1603.05027",
    norm_first=True,
    has_shortcuts=True,
    activations=("{norm} norm and ReLU before each convolution of a block", "and before the pool"),
)


def _basic(b: BlockShape) -> Convs:
    """F = conv-bn-relu-conv-bn (arXiv:1512.03385, equation 1)."""
    return (
        ConvShape("conv1", 3, b.in_chans, b.width, b.stride, norm="bn1", fusable="bn1", response="bn1"),
        ConvShape("conv2", 3, b.width, b.out_chans, norm="bn2", fusable="bn2", response="bn2"),
    )


def _bottleneck(b: BlockShape) -> Convs:
    """F = 1x1-bn-relu-3x3-bn-relu-1x1-bn (arXiv:1512.03385, figure 5, right)."""
    return (
        ConvShape("conv1", 1, b.in_chans, b.width, norm="bn1", fusable="bn1"),
        ConvShape("conv2", 3, b.width, b.width, b.stride, b.groups, norm="bn2", fusable="bn2", response="bn2"),
        ConvShape("conv3", 1, b.width, b.out_chans, norm="bn3", fusable="bn3"),
    )


def _preact_basic(b: BlockShape) -> Convs:
    """F = bn-relu-conv-bn-relu-conv (arXiv:1603.05027, figure 4e): it begins after an addition and ends before one."""
    return (
        ConvShape(
            *("conv1", 3, b.in_chans, b.width, b.stride), norm="bn1", norm_first=True, fusable="bn2", response="bn2"
        ),
        ConvShape("conv2", 3, b.width, b.out_chans, norm="bn2", norm_first=True, response="conv2"),
    )


def _preact_bottleneck(b: BlockShape) -> Convs:
    """F = bn-relu-1x1-bn-relu-3x3-bn-relu-1x1 (arXiv:1603.05027, appendix)."""
    return (
        ConvShape("conv1", 1, b.in_chans, b.width, norm="bn1", norm_first=True, fusable="bn2"),
        ConvShape(
            *("conv2", 3, b.width, b.width, b.stride, b.groups),
            norm="bn2",
            norm_first=True,
            fusable="bn3",
            response="bn3",
        ),
        ConvShape("conv3", 1, b.width, b.out_chans, norm="bn3", norm_first=True),
    )


PLAIN_BASIC = BlockType(PLAIN, "basic", prefix="plainnet", convs=_basic, last="bn2", takes_dropout=True)
RESIDUAL_BASIC = BlockType(RESIDUAL, "basic", prefix="resnet", convs=_basic, last="bn2", takes_dropout=True)
RESIDUAL_BOTTLENECK = BlockType(
    *(RESIDUAL, "bottleneck"),
    prefix="resnet",
    convs=_bottleneck,
    last="bn3",
    expansion=4,
    strided_conv=2,
    usual_shortcut="projection",
    grouped_prefix="resnext",
)
PREACT_BASIC = BlockType(
    *(PREACTIVATION, "basic"),
    prefix="preresnet",
    convs=_preact_basic,
    last="conv2",
    takes_dropout=True,
    counts_projections=True,
)
PREACT_BOTTLENECK = BlockType(
    *(PREACTIVATION, "bottleneck"),
    prefix="preresnet",
    convs=_preact_bottleneck,
    last="conv3",
    expansion=4,
    strided_conv=2,
    usual_shortcut="projection",
    grouped_prefix="preresnext",
)

BLOCK_TYPES = (PLAIN_BASIC, RESIDUAL_BASIC, RESIDUAL_BOTTLENECK, PREACT_BASIC, PREACT_BOTTLENECK)
BLOCKS = tuple(dict.fromkeys(kind.block for kind in BLOCK_TYPES))  # their names in a spec; the first is the default


def find_block_type(family: Family, block: str) -> BlockType:
    """Find the kind of block with this family and name.

    Raises:
        UsageError: the family has no such block.
    """
    for kind in BLOCK_TYPES:
        if (kind.family.name, kind.block) == (family, block):
            return kind
    known = [kind.block for kind in BLOCK_TYPES if kind.family.name == family]
    other = next(kind.family.name for kind in BLOCK_TYPES if kind.block == block)
    raise UsageError(
        f'{family} networks are built of {" or ".join(known)} blocks; use block="{known[0]}", or family="{other}"'
    )
