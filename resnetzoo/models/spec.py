"""The description of a network as one frozen value. Plain and residual networks differ in one field: `family`.

No torch here: a spec can be read, compared, stored and counted without creating a tensor.
"""

from collections.abc import Iterator
from dataclasses import KW_ONLY, asdict, dataclass, fields
from itertools import accumulate, pairwise
from operator import mul
from typing import Any, Literal, get_args

from resnetzoo.errors import UsageError
from resnetzoo.models.blocks.types import BLOCKS, BlockType, find_block_type
from resnetzoo.models.blocks.types import Family as Family
from resnetzoo.models.depths import check_depth, check_depth_of_layers, is_valid_depth
from resnetzoo.models.labels import label_of
from resnetzoo.models.shapes import WIDTHS as WIDTHS
from resnetzoo.models.shapes import BlockShape, ConvShape, Norm, Stage
from resnetzoo.models.spec_checks import check_dropout, check_groups, check_order, check_shortcuts
from resnetzoo.utils.validation import check_choice, check_count

Block = str  # one of `BLOCKS`
Shortcut = Literal["identity", "projection", "projection_all"]
ProjectionInput = Literal["activated", "raw"]


@dataclass(frozen=True)
class ModelSpec:
    """A network for small images, made of stages of blocks, such as those of arXiv:1512.03385 and its successors.

    Args:
        family: `plain`, y = relu(F(x)); `residual`, y = relu(F(x) + shortcut(x)); or `preactivation`, y = x + F(x).
        depth: number of weighted layers. With three stages of n blocks it is 6n+2 for basic blocks (two 3x3) and 9n+2
            for bottleneck blocks (1x1, 3x3, 1x1). Wide ResNets (arXiv:1605.07146) count 6n+4, as in their names; they
            also need `layers`.
        block: `basic` or `bottleneck`; plain networks have basic blocks only.
        shortcut: `identity` (the paper's option A: subsample and pad with zero channels), `projection` (B: 1x1
            convolution where the shape changes) or `projection_all` (C: 1x1 convolution in every block).
            Plain networks have no shortcuts and keep the default.
        num_classes: length of the logits.
        in_chans: channels of the input images.
        widths: base width of each stage. A stage's output has this many channels with basic blocks, and four times as
            many with bottleneck blocks. The 3x3 convolutions have this many channels too, unless `groups` or
            `width_per_group` is set.
        zero_init_residual: start each residual branch at zero, so that each block starts as its shortcut.
        stem_width: number of output channels of the stem; `widths[0]` if None. For example, the networks that
            distillation benchmarks (github.com/HobbitLong/RepDistiller) call resnet8x4 have 32, with widths
            (64, 128, 256).
        layers: number of blocks in each stage, such as (3, 4, 6, 3); if None, all stages have equally many, as `depth`
            requires.
        groups: number of groups of the 3x3 convolutions in bottleneck blocks (arXiv:1611.05431).
        width_per_group: number of channels per group in a stage of width 64. In any stage, the 3x3 convolutions of
            bottleneck blocks have groups * floor(width * width_per_group / 64) channels.
        norm: `batch` for batch norm, or `group` for group norm (arXiv:1803.08494) with 32 groups, or if the channels
            are not divisible by 32, with the largest number of groups below that divides them.
        drop_rate: fraction of the activations between the convolutions of basic blocks that dropout zeroes in training.
        last_norm: whether a pre-activation network ends with a norm and ReLU before the pooling, as in the paper; those
            of github.com/kuangliu/pytorch-cifar do not.
        projection_input: input of the projections in pre-activation networks: `activated`, which is relu(norm(x)) as in
            the authors' code, or `raw`, which is x itself, as in github.com/meliketoy/wide-resnet.pytorch.
        strided_conv: which convolution, counted from 1, halves height and width in blocks that do so; if None, the
            first in basic blocks and the second in bottleneck blocks.

    Raises:
        UsageError: a value is invalid or contradicts another one; the message says what is valid.
    """

    family: Family
    depth: int
    block: Block = "basic"
    shortcut: Shortcut = "identity"
    num_classes: int = 10
    in_chans: int = 3
    widths: tuple[int, ...] = WIDTHS
    zero_init_residual: bool = False
    stem_width: int | None = None
    _: KW_ONLY
    layers: tuple[int, ...] | None = None
    groups: int = 1
    width_per_group: int = 64
    norm: Norm = "batch"
    drop_rate: float = 0.0
    last_norm: bool = True
    projection_input: ProjectionInput = "activated"
    strided_conv: int | None = None

    def __post_init__(self) -> None:
        check_choice("family", self.family, get_args(Family))
        check_choice("block", self.block, BLOCKS)
        check_choice("shortcut", self.shortcut, get_args(Shortcut))
        find_block_type(self.family, self.block)
        check_choice("norm", self.norm, get_args(Norm))
        self._check_stages()
        if self.stem_width is not None:
            check_count("stem_width", self.stem_width)
            if self.stem_width == self.widths[0]:  # so that two specs of the same network are equal
                object.__setattr__(self, "stem_width", None)
        self._check_depth()
        check_groups(self, self._block_type)
        check_dropout(self, self._block_type)
        check_choice("projection_input", self.projection_input, get_args(ProjectionInput))
        check_order(self, self._block_type)
        if self.strided_conv == self._block_type.strided_conv:  # so that two specs of the same network are equal
            object.__setattr__(self, "strided_conv", None)
        check_count("num_classes", self.num_classes)
        check_count("in_chans", self.in_chans)
        check_shortcuts(self)

    def _check_stages(self) -> None:
        for name, example in (("widths", WIDTHS), ("layers", (3, 3, 3))):
            counts = getattr(self, name)
            if name == "layers" and counts is None:
                continue
            if not isinstance(counts, tuple | list) or not counts:
                raise UsageError(f"{name} must be numbers, one per stage, such as {example}, not {counts!r}")
            for count in counts:
                check_count(name, count)
            object.__setattr__(self, name, tuple(counts))
        if self.layers is not None and len(self.layers) != len(self.widths):
            raise UsageError(f"layers and widths must have one number per stage, not {self.layers} and {self.widths}")

    def _check_depth(self) -> None:
        check_count("depth", self.depth)
        step = self._depth_step
        if self.layers == (self.blocks_per_stage,) * len(self.widths) and is_valid_depth(self.depth, step):
            object.__setattr__(self, "layers", None)  # so that two specs of the same network are equal
        if self.layers is None:
            check_depth(self.depth, step, self.block)
        else:
            usual = sum(self.layers) * self.layers_per_block + 2
            check_depth_of_layers(self.depth, self.layers, self.block, usual, self._wide_depth)

    @property
    def label(self) -> str:
        """The name in tables and titles, such as `resnet56`, `wrn28_10` or `resnet56 (projection)`."""
        return label_of(self, self._block_type)

    @property
    def formula(self) -> str:
        """The formula of a block, such as `y = relu(F(x) + shortcut(x))`, where F is its stack of convolutions."""
        return self._block_type.family.formula

    @property
    def paper(self) -> str:
        """The number of the arXiv paper that introduced such networks."""
        if self.is_wide:
            return "1605.07146"
        return "1611.05431" if self.groups > 1 else self._block_type.family.paper

    @property
    def activations(self) -> tuple[str, ...]:
        """A description of where the norms and ReLUs are, line by line."""
        lines = self._block_type.family.activations if self.last_norm else self._block_type.family.activations[:1]
        return tuple(line.format(norm=self.norm) for line in lines)

    @property
    def has_shortcuts(self) -> bool:
        """Whether each block adds a shortcut to F."""
        return self._block_type.family.has_shortcuts

    @property
    def norm_first(self) -> bool:
        """Whether norm and ReLU come before each convolution (and before the pooling, but not after the stem)."""
        return self._block_type.family.norm_first

    @property
    def layers_per_block(self) -> int:
        """Number of convolutions in a block's branch F."""
        return self._block_type.layers

    @property
    def blocks_per_stage(self) -> int:
        """The paper's n, where depth = 6n+2 (basic) or 9n+2 (bottleneck); about the mean of `layers` if they differ."""
        return (self.depth - 2) // self._depth_step

    @property
    def is_wide(self) -> bool:
        """Whether it is a Wide ResNet, which the way of counting its depth shows."""
        return self.layers is not None and self.depth == self._wide_depth

    @property
    def num_features(self) -> int:
        """Channels that enter the classifier."""
        return self.stages[-1].out_chans

    @property
    def last_layer(self) -> str:
        """The name, inside the block, of the last layer of its branch F; if that layer's weight is zero, F is zero."""
        return self._block_type.last

    @property
    def stem(self) -> ConvShape:
        """The convolution before the first block."""
        norm = None if self.norm_first else "bn1"
        return self._normed(
            ConvShape(*("conv1", 3, self.in_chans, self._stem_chans), norm=norm, fusable=norm, response=norm or "conv1")
        )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in the order of the forward pass; all but the first start with stride 2."""
        layers = self.layers or (self.blocks_per_stage,) * len(self.widths)
        chans = (self._stem_chans, *(width * self._block_type.expansion for width in self.widths))
        return tuple(
            Stage(
                f"layer{number}",
                blocks,
                *(in_chans, width * self.width_per_group // 64 * self.groups, out_chans),
                *(1 if number == 1 else 2, self.groups),
            )
            for number, (blocks, width, (in_chans, out_chans)) in enumerate(
                zip(layers, self.widths, pairwise(chans), strict=True), start=1
            )
        )

    @property
    def reductions(self) -> tuple[int, ...]:
        """How many times smaller than the image the feature maps of each stage are, in height and in width."""
        return tuple(accumulate((stage.stride for stage in self.stages), mul))

    def blocks(self) -> Iterator[BlockShape]:
        """The blocks in the order of the forward pass."""
        for stage in self.stages:
            yield from stage.block_shapes()

    def convs(self, block: BlockShape) -> tuple[ConvShape, ...]:
        """The convolutions of a block's branch F in the order of the forward pass, by their names inside the block."""
        convs = tuple(self._normed(conv) for conv in self._block_type.convs(block))
        if self.strided_conv is None:
            return convs
        strides = [block.stride if place == self.strided_conv else 1 for place in range(1, len(convs) + 1)]
        return tuple(conv._replace(stride=stride) for conv, stride in zip(convs, strides, strict=True))

    def projection(self, block: BlockShape) -> ConvShape | None:
        """The 1x1 convolution on this block's shortcut (options B and C), named as in the block; None without one."""
        if self.shortcut == "identity" or not (self.shortcut == "projection_all" or block.changes_shape):
            return None
        norm = None if self.norm_first else "downsample.1"
        return self._normed(
            ConvShape(*("downsample.0", 1, block.in_chans, block.out_chans, block.stride), norm=norm, fusable=norm)
        )

    def all_convs(self) -> Iterator[ConvShape]:
        """Every convolution, named as in the network: the stem, then for each block those of F and any projection."""
        yield self.stem
        for block in self.blocks():
            projection = self.projection(block)
            for conv in (*self.convs(block), *([projection] if projection else [])):
                yield conv.inside(block.name)

    def has_projection(self, block: BlockShape) -> bool:
        """Whether the shortcut of this block is a 1x1 convolution (options B and C)."""
        return self.projection(block) is not None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `from_dict` reads them back. From `stem_width` on, defaults are left out."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        for field in fields(self):
            if (field.kw_only or field.name == "stem_width") and values[field.name] == field.default:
                del values[field.name]  # so that versions without it can read the rest
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelSpec":
        """Recreate the spec from which `to_dict` made these values."""
        return cls(**values)

    def _normed(self, conv: ConvShape) -> ConvShape:
        """The convolution with this network's kind of norm; only batch norm is a fixed scale in evaluation."""
        return conv if self.norm == "batch" else conv._replace(norm_kind=self.norm, fusable=None)

    @property
    def _wide_depth(self) -> int | None:
        """The depth as arXiv:1605.07146 counts it, with each stage's projection; None if it does not apply."""
        counted = self.layers is not None and self._block_type.counts_projections
        return sum(self.layers or ()) * self.layers_per_block + 1 + len(self.widths) if counted else None

    @property
    def _stem_chans(self) -> int:
        return self.widths[0] if self.stem_width is None else self.stem_width

    @property
    def _block_type(self) -> BlockType:
        return find_block_type(self.family, self.block)

    @property
    def _depth_step(self) -> int:
        return self._block_type.layers * len(self.widths)
