"""What a network is, as one frozen value. Plain and residual differ in one word: `family`.

No torch here: a spec can be read, compared, stored and counted without making a tensor.
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
from resnetzoo.utils.validation import check_choice, check_whole_number

Block = str  # one of `BLOCKS`
Shortcut = Literal["identity", "projection", "projection_all"]
ProjectionInput = Literal["activated", "raw"]


@dataclass(frozen=True)
class ModelSpec:
    """A network of stages of blocks for small images, such as those of arXiv:1512.03385 and its successors.

    Args:
        family: `plain` y = relu(F(x)), `residual` y = relu(F(x) + shortcut(x)) or `preactivation` y = x + F(x).
        depth: weighted layers: 6n+2 with basic blocks (two 3x3), 9n+2 with bottleneck blocks (1x1, 3x3, 1x1), in three
            stages of n blocks. Of Wide ResNets (arXiv:1605.07146) 6n+4, as their names have it; say `layers` of them.
        block: `basic` or `bottleneck`; plain networks are basic.
        shortcut: `identity` (the paper's option A: subsample and pad with zero channels), `projection` (B: 1x1
            convolution where the shape changes) or `projection_all` (C: 1x1 convolution in every block).
            Plain networks have no shortcuts and keep the default.
        num_classes: length of the logits.
        in_chans: channels of the input images.
        widths: channels of the 3x3 convolutions, a number a stage; of bottlenecks a quarter of what leaves the block.
        zero_init_residual: start each residual branch at zero, so that each block starts as its shortcut.
        stem_width: channels that leave the stem; left out, or None, `widths[0]`. As 32 before (64, 128, 256) in what
            distillation benchmarks call resnet8x4 (github.com/HobbitLong/RepDistiller).
        layers: blocks of each stage, (3, 4, 6, 3) for one; left out, or None, as many in each as `depth` says.
        groups: of the 3x3 convolutions in bottlenecks (arXiv:1611.05431).
        width_per_group: channels of a group where `widths` says 64; a 3x3 convolution has
            groups * floor(width * width_per_group / 64).
        norm: `batch`, or `group`: of 32 groups, or the largest divisor of the channels below (arXiv:1803.08494).
        drop_rate: share of the activations that dropout zeroes in training, between the convolutions of basic blocks.
        last_norm: whether pre-activation networks end with a norm and ReLU before the pooling, as in their paper; those
            of github.com/kuangliu/pytorch-cifar end without.
        projection_input: of pre-activation networks, `activated`, relu(norm(x)) as in their authors' code, or `raw`, x
            itself, as in github.com/meliketoy/wide-resnet.pytorch.
        strided_conv: which convolution of a block halves height and width; left out, or None, the first of basic
            blocks and the second of bottlenecks.

    Raises:
        UsageError: a value outside the above; the message names the nearest valid one.
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
            check_whole_number("stem_width", self.stem_width)
            if self.stem_width == self.widths[0]:  # two specs of one network are equal
                object.__setattr__(self, "stem_width", None)
        self._check_depth()
        check_groups(self, self._block_type)
        check_dropout(self, self._block_type)
        check_choice("projection_input", self.projection_input, get_args(ProjectionInput))
        check_order(self, self._block_type)
        if self.strided_conv == self._block_type.strided_conv:  # two specs of one network are equal
            object.__setattr__(self, "strided_conv", None)
        check_whole_number("num_classes", self.num_classes)
        check_whole_number("in_chans", self.in_chans)
        check_shortcuts(self)

    def _check_stages(self) -> None:
        for name, example in (("widths", WIDTHS), ("layers", (3, 3, 3))):
            counts = getattr(self, name)
            if name == "layers" and counts is None:
                continue
            if not isinstance(counts, tuple | list) or not counts:
                raise UsageError(f"{name} must be numbers, one a stage, such as {example}, not {counts!r}")
            for count in counts:
                check_whole_number(name, count)
            object.__setattr__(self, name, tuple(counts))
        if self.layers is not None and len(self.layers) != len(self.widths):
            raise UsageError(f"layers and widths have one number a stage each, not {self.layers} and {self.widths}")

    def _check_depth(self) -> None:
        check_whole_number("depth", self.depth)
        step = self._depth_step
        if self.layers == (self.blocks_per_stage,) * len(self.widths) and is_valid_depth(self.depth, step):
            object.__setattr__(self, "layers", None)  # two specs of one network are equal
        if self.layers is None:
            check_depth(self.depth, step, self.block)
        else:
            usual = sum(self.layers) * self.layers_per_block + 2
            check_depth_of_layers(self.depth, self.layers, self.block, usual, self._wide_depth)

    @property
    def label(self) -> str:
        """What tables and titles call it, such as `resnet56`, `wrn28_10` or `resnet56 (projection)`."""
        return label_of(self, self._block_type)

    @property
    def formula(self) -> str:
        """Of a block, such as `y = relu(F(x) + shortcut(x))`, where F is its stack of convolutions."""
        return self._block_type.family.formula

    @property
    def paper(self) -> str:
        """The number of the arXiv paper in which such networks were published."""
        if self.is_wide:
            return "1605.07146"
        return "1611.05431" if self.groups > 1 else self._block_type.family.paper

    @property
    def activations(self) -> tuple[str, ...]:
        """Where norms and ReLUs stand, in words, a line each."""
        lines = self._block_type.family.activations if self.last_norm else self._block_type.family.activations[:1]
        return tuple(line.format(norm=self.norm) for line in lines)

    @property
    def has_shortcuts(self) -> bool:
        """Whether each block adds a shortcut to F."""
        return self._block_type.family.has_shortcuts

    @property
    def norm_first(self) -> bool:
        """Whether norm and ReLU stand before each convolution (and before the pooling, but not behind the stem)."""
        return self._block_type.family.norm_first

    @property
    def layers_per_block(self) -> int:
        """Convolutions of a block's branch."""
        return self._block_type.layers

    @property
    def blocks_per_stage(self) -> int:
        """The paper's n, where depth = 6n+2 (basic) or 9n+2 (bottleneck); of other `layers` their mean, rounded."""
        return (self.depth - 2) // self._depth_step

    @property
    def is_wide(self) -> bool:
        """Whether it is a Wide ResNet, by how its depth is counted."""
        return self.layers is not None and self.depth == self._wide_depth

    @property
    def num_features(self) -> int:
        """Channels that enter the classifier."""
        return self.stages[-1].out_chans

    @property
    def last_layer(self) -> str:
        """The last layer of a block's branch, by its name inside the block; with its weight at zero, F is zero."""
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
        """The 1x1 convolution on the shortcut of this block (options B and C), by its name inside; None without one."""
        if self.shortcut == "identity" or not (self.shortcut == "projection_all" or block.changes_shape):
            return None
        norm = None if self.norm_first else "downsample.1"
        return self._normed(
            ConvShape(*("downsample.0", 1, block.in_chans, block.out_chans, block.stride), norm=norm, fusable=norm)
        )

    def all_convs(self) -> Iterator[ConvShape]:
        """Every convolution, by its name in the network: the stem, then of each block those of F and the projection."""
        yield self.stem
        for block in self.blocks():
            projection = self.projection(block)
            for conv in (*self.convs(block), *([projection] if projection else [])):
                yield conv.inside(block.name)

    def has_projection(self, block: BlockShape) -> bool:
        """Whether the shortcut of this block is a 1x1 convolution (options B and C)."""
        return self.projection(block) is not None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `from_dict` reads them back. From `stem_width` on, only those that are set."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        for field in fields(self):
            if (field.kw_only or field.name == "stem_width") and values[field.name] == field.default:
                del values[field.name]  # as versions before it wrote, and can read
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelSpec":
        """What `to_dict` gave, as a spec again."""
        return cls(**values)

    def _normed(self, conv: ConvShape) -> ConvShape:
        """With the norm of this network beside it; only batch norm is a fixed scale in evaluation."""
        return conv if self.norm == "batch" else conv._replace(norm_kind=self.norm, fusable=None)

    @property
    def _wide_depth(self) -> int | None:
        """The depth as arXiv:1605.07146 counts it, the projection of each stage included; None if it is none of it."""
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
