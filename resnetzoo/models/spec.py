"""What a network is, as one frozen value. Plain and residual differ in one word: `family`.

No torch here: a spec can be read, compared, stored and counted without making a tensor.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate
from operator import mul
from typing import Any, Literal, get_args

from resnetzoo.errors import UsageError
from resnetzoo.models.blocks.types import BLOCKS, BlockType, find_block_type
from resnetzoo.models.blocks.types import Family as Family
from resnetzoo.models.shapes import BlockShape, ConvShape, Stage
from resnetzoo.utils.validation import check_choice, check_whole_number

Block = str  # one of `BLOCKS`
Shortcut = Literal["identity", "projection", "projection_all"]

WIDTHS = (16, 32, 64)  # of the stages in arXiv:1512.03385, section 4.2


@dataclass(frozen=True)
class ModelSpec:
    """A CIFAR network of arXiv:1512.03385, section 4.2, or of its pre-activation successor arXiv:1603.05027.

    Args:
        family: `plain` y = relu(F(x)), `residual` y = relu(F(x) + shortcut(x)) or `preactivation` y = x + F(x).
        depth: weighted layers: 6n+2 with basic blocks (two 3x3), 9n+2 with bottleneck blocks (1x1, 3x3, 1x1).
        block: `basic` or `bottleneck`; plain networks are basic.
        shortcut: `identity` (the paper's option A: subsample and pad with zero channels), `projection` (B: 1x1
            convolution where the shape changes) or `projection_all` (C: 1x1 convolution in every block).
            Plain networks have no shortcuts and keep the default.
        num_classes: length of the logits.
        in_chans: channels of the input images.
        widths: channels of the 3x3 convolutions in the three stages.
        zero_init_residual: start each residual branch at zero, so that each block starts as its shortcut.
        stem_width: channels that leave the stem; left out, or None, `widths[0]`. As 32 before (64, 128, 256) in what
            distillation benchmarks call resnet8x4 (github.com/HobbitLong/RepDistiller).

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

    def __post_init__(self) -> None:
        check_choice("family", self.family, get_args(Family))
        check_choice("block", self.block, BLOCKS)
        check_choice("shortcut", self.shortcut, get_args(Shortcut))
        find_block_type(self.family, self.block)
        if len(self.widths) != len(WIDTHS):
            raise UsageError(f"widths must be three numbers, one a stage, not {self.widths!r}")
        for width in self.widths:
            check_whole_number("widths", width)
        if self.stem_width is not None:
            check_whole_number("stem_width", self.stem_width)
            if self.stem_width == self.widths[0]:  # two specs of one network are equal
                object.__setattr__(self, "stem_width", None)
        _check_depth(self.depth, self._depth_step, self.block)
        check_whole_number("num_classes", self.num_classes)
        check_whole_number("in_chans", self.in_chans)
        if not self.has_shortcuts:
            self._check_without_shortcuts()
        elif self.shortcut == "identity":
            self._check_identity()

    def _check_identity(self) -> None:
        if list(self.widths) != sorted(self.widths):
            raise UsageError(
                f"identity shortcuts pad with channels and cannot take any away: widths {self.widths} "
                'must not fall; use shortcut="projection"'
            )
        first = self.stages[0]
        if first.in_chans > first.out_chans:
            raise UsageError(
                f"identity shortcuts pad with channels and cannot take any away: stem_width {first.in_chans} is above "
                f'the {first.out_chans} channels of the first stage; use shortcut="projection"'
            )

    def _check_without_shortcuts(self) -> None:
        if self.shortcut != "identity":
            raise UsageError(
                f'{self.family} networks have no shortcuts, so not shortcut="{self.shortcut}" either: leave it out'
            )
        if self.zero_init_residual:
            raise UsageError(
                f"{self.family} networks have no residual branch to start at zero: leave zero_init_residual out"
            )

    @property
    def label(self) -> str:
        """What tables and titles call it, `resnet56`, or `resnet56 (projection)` with that shortcut."""
        kind = self._block_type
        name = f"{kind.prefix}{self.depth}"
        return f"{name} ({self.shortcut})" if self.has_shortcuts and self.shortcut != kind.usual_shortcut else name

    @property
    def formula(self) -> str:
        """Of a block, such as `y = relu(F(x) + shortcut(x))`, where F is its stack of convolutions."""
        return self._block_type.family.formula

    @property
    def paper(self) -> str:
        """The number of the arXiv paper in which the family was published."""
        return self._block_type.family.paper

    @property
    def activations(self) -> tuple[str, ...]:
        """Where norms and ReLUs stand, in words, a line each."""
        return self._block_type.family.activations

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
        """The paper's n, where depth = 6n+2 (basic) or 9n+2 (bottleneck)."""
        return (self.depth - 2) // self._depth_step

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
        return ConvShape(
            *("conv1", 3, self.in_chans, self._stem_chans), norm=norm, fusable=norm, response=norm or "conv1"
        )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in the order of the forward pass; all but the first start with stride 2."""
        stages: list[Stage] = []
        in_chans = self._stem_chans
        for number, width in enumerate(self.widths, start=1):
            out_chans = width * self._block_type.expansion
            stride = 1 if number == 1 else 2
            stages.append(Stage(f"layer{number}", self.blocks_per_stage, in_chans, width, out_chans, stride))
            in_chans = out_chans
        return tuple(stages)

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
        return self._block_type.convs(block)

    def projection(self, block: BlockShape) -> ConvShape | None:
        """The 1x1 convolution on the shortcut of this block (options B and C), by its name inside; None without one."""
        if self.shortcut == "identity" or not (self.shortcut == "projection_all" or block.changes_shape):
            return None
        norm = None if self.norm_first else "downsample.1"
        return ConvShape(*("downsample.0", 1, block.in_chans, block.out_chans, block.stride), norm=norm, fusable=norm)

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
        """Plain values, ready for JSON; `from_dict` reads them back. `stem_width` is there where it is not None."""
        values = {**asdict(self), "widths": list(self.widths)}
        if self.stem_width is None:  # as versions before it wrote, and can read
            del values["stem_width"]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelSpec":
        """What `to_dict` gave, as a spec again."""
        return cls(**{**values, "widths": tuple(values["widths"])})

    @property
    def _stem_chans(self) -> int:
        return self.widths[0] if self.stem_width is None else self.stem_width

    @property
    def _block_type(self) -> BlockType:
        return find_block_type(self.family, self.block)

    @property
    def _depth_step(self) -> int:
        return self._block_type.layers * len(self.widths)


def nearest_depths(depth: int, step: int) -> list[int]:
    """The valid depths next to `depth`, nearest first, where step * n + 2 are valid."""
    below = max(1, (depth - 2) // step) * step + 2
    return sorted({below, below + step}, key=lambda valid: abs(valid - depth))


def is_valid_depth(depth: int, step: int) -> bool:
    """Whether `depth` is step * n + 2, with n from 1."""
    return depth >= step + 2 and (depth - 2) % step == 0


def _check_depth(depth: int, step: int, block: Block) -> None:
    check_whole_number("depth", depth)
    if not is_valid_depth(depth, step):
        nearest = " or ".join(str(valid) for valid in nearest_depths(depth, step))
        raise UsageError(f"depth {depth} is not {step}n+2, as {block} blocks need; the nearest valid: {nearest}")
