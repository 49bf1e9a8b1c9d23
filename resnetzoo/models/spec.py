"""What a network is, as one frozen value. Plain and residual differ in one word: `family`.

No torch here: a spec can be read, compared, stored and counted without making a tensor.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from resnetzoo.errors import UsageError
from resnetzoo.utils.validation import check_whole_number

Family = Literal["plain", "residual", "preactivation"]
Block = Literal["basic", "bottleneck"]
Shortcut = Literal["identity", "projection", "projection_all"]

_PREFIX: dict[Family, str] = {"plain": "plainnet", "residual": "resnet", "preactivation": "preresnet"}
BOTTLENECK_EXPANSION = 4  # output channels of a bottleneck block over its 3x3 width (arXiv:1512.03385, figure 5)


class BlockShape(NamedTuple):
    """One block of a network.

    Attributes:
        name: its prefix in the state dict, such as `layer2.0`.
        in_chans: channels that enter it.
        width: channels of its 3x3 convolutions.
        out_chans: channels that leave it.
        stride: 2 where height and width are halved, else 1.
    """

    name: str
    in_chans: int
    width: int
    out_chans: int
    stride: int

    @property
    def changes_shape(self) -> bool:
        """Whether its output has another size or number of channels than its input."""
        return self.stride != 1 or self.in_chans != self.out_chans


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
        widths: channels of the 3x3 convolutions in the three stages; the stem has `widths[0]`.
        zero_init_residual: start each residual branch at zero, so that each block starts as its shortcut.

    Raises:
        UsageError: a value outside the above; the message names the nearest valid one.
    """

    family: Family
    depth: int
    block: Block = "basic"
    shortcut: Shortcut = "identity"
    num_classes: int = 10
    in_chans: int = 3
    widths: tuple[int, int, int] = (16, 32, 64)
    zero_init_residual: bool = False

    def __post_init__(self) -> None:
        _check_word("family", self.family, get_args(Family))
        _check_word("block", self.block, get_args(Block))
        _check_word("shortcut", self.shortcut, get_args(Shortcut))
        _check_depth(self.depth, self.layers_per_block)
        check_whole_number("num_classes", self.num_classes)
        check_whole_number("in_chans", self.in_chans)
        if len(self.widths) != 3:
            raise UsageError(f"widths must be three numbers, one a stage, not {self.widths!r}")
        for width in self.widths:
            check_whole_number("widths", width)
        if self.family == "plain":
            self._check_plain()
        elif self.shortcut == "identity" and list(self.widths) != sorted(self.widths):
            raise UsageError(
                f"identity shortcuts pad with channels and cannot take any away: widths {self.widths} "
                'must not fall; use shortcut="projection"'
            )

    def _check_plain(self) -> None:
        if self.block != "basic":
            raise UsageError('plain networks are built of basic blocks; use block="basic", or family="residual"')
        if self.shortcut != "identity":
            raise UsageError(
                f'plain networks have no shortcuts, so not shortcut="{self.shortcut}" either: leave it out'
            )
        if self.zero_init_residual:
            raise UsageError("plain networks have no residual branch to start at zero: leave zero_init_residual out")

    @property
    def label(self) -> str:
        """What tables and titles call it, `resnet56`, or `resnet56 (projection)` with that shortcut."""
        name = f"{_PREFIX[self.family]}{self.depth}"
        usual = "projection" if self.block == "bottleneck" else "identity"
        return name if self.family == "plain" or self.shortcut == usual else f"{name} ({self.shortcut})"

    @property
    def layers_per_block(self) -> int:
        """Convolutions of a block's branch."""
        return 3 if self.block == "bottleneck" else 2

    @property
    def blocks_per_stage(self) -> int:
        """The paper's n, where depth = 6n+2 (basic) or 9n+2 (bottleneck)."""
        return (self.depth - 2) // (3 * self.layers_per_block)

    @property
    def num_features(self) -> int:
        """Channels that enter the classifier."""
        return self.widths[-1] * self._expansion

    @property
    def _expansion(self) -> int:
        return BOTTLENECK_EXPANSION if self.block == "bottleneck" else 1

    def blocks(self) -> Iterator[BlockShape]:
        """The blocks in the order of the forward pass; stages 2 and 3 start with stride 2."""
        in_chans = self.widths[0]
        for stage, width in enumerate(self.widths, start=1):
            for index in range(self.blocks_per_stage):
                stride = 2 if stage > 1 and index == 0 else 1
                out_chans = width * self._expansion
                yield BlockShape(f"layer{stage}.{index}", in_chans, width, out_chans, stride)
                in_chans = out_chans

    def has_projection(self, block: BlockShape) -> bool:
        """Whether the shortcut of this block is a 1x1 convolution (options B and C)."""
        if self.family == "plain" or self.shortcut == "identity":
            return False
        return self.shortcut == "projection_all" or block.changes_shape

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `from_dict` reads them back."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelSpec":
        """What `to_dict` gave, as a spec again."""
        return cls(**{**values, "widths": tuple(values["widths"])})


def nearest_depths(depth: int, layers_per_block: int) -> list[int]:
    """The valid depths next to `depth`, nearest first."""
    step = 3 * layers_per_block
    below = max(1, (depth - 2) // step) * step + 2
    return sorted({below, below + step}, key=lambda valid: abs(valid - depth))


def _check_word(field: str, found: object, valid: tuple[str, ...]) -> None:
    if found not in valid:
        raise UsageError(f"{field} must be one of {', '.join(valid)}, not {found!r}")


def _check_depth(depth: int, layers_per_block: int) -> None:
    check_whole_number("depth", depth)
    step = 3 * layers_per_block
    if depth < step + 2 or (depth - 2) % step:
        nearest = " or ".join(str(valid) for valid in nearest_depths(depth, layers_per_block))
        kind = "basic" if layers_per_block == 2 else "bottleneck"
        raise UsageError(f"depth {depth} is not {step}n+2, as {kind} blocks need; the nearest valid: {nearest}")
