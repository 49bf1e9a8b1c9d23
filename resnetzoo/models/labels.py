"""The label of a network in tables and titles, from its spec. No torch here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from resnetzoo.models.blocks.types import BLOCKS, find_block_type
from resnetzoo.models.depths import FOUR_STAGES, is_valid_depth
from resnetzoo.models.shapes import FOUR_WIDTHS, WIDTHS

if TYPE_CHECKING:
    from resnetzoo.models.blocks.types import BlockType
    from resnetzoo.models.spec import ModelSpec

_BOTTLENECKS_ALL_THE_SAME = (164,)  # arXiv:1603.05027, table 2


class _Usual(NamedTuple):
    """What the name of a network says about its stages.

    Attributes:
        name: the name, such as `wrn28_10`.
        widths: widths of the stages.
        stem: output channels of the stem.
        layers: number of blocks in each stage; None for equally many in each.
    """

    name: str
    widths: tuple[float, ...]
    stem: float
    layers: tuple[int, ...] | None = None


def label_of(spec: "ModelSpec", kind: "BlockType") -> str:
    """The name in the literature, with any further detail in brackets: `resnet56 (projection)`, `wrn28_10`.

    Networks of different architectures have different labels, so that results can be grouped by them. A label does not
    include the number of classes and of input channels, which depend on what a network is used for.

    Args:
        spec: spec of the network.
        kind: kind of its blocks.
    """
    usual = _usual_of(spec, kind)
    notes = [*_notes_on_stages(spec, kind, usual), *_notes_on_blocks(spec)]
    return f"{usual.name} ({', '.join(notes)})" if notes else usual.name


def _usual_of(spec: "ModelSpec", kind: "BlockType") -> _Usual:
    if spec.is_wide:
        scale = spec.widths[0] / spec.stem.out_chans
        return _Usual(f"wrn{spec.depth}_{scale:g}", tuple(scale * width for width in WIDTHS), WIDTHS[0])
    scale = spec.widths[0] // WIDTHS[0]
    if spec.groups > 1:
        name = f"{kind.grouped_prefix}{spec.depth}_{spec.groups}x{spec.width_per_group}d"
        widths = FOUR_WIDTHS if _has_four_stages(spec) else FOUR_WIDTHS[: len(WIDTHS)]
    elif spec.stem_width is not None and spec.widths == tuple(width * scale for width in WIDTHS):
        # As distillation benchmarks call them.
        return _Usual(f"{kind.prefix}{spec.depth}x{scale}", spec.widths, scale * WIDTHS[0] / 2)
    else:
        name = f"{kind.prefix}{spec.depth}"
        widths = FOUR_WIDTHS if _has_four_stages(spec) else WIDTHS
    layers = FOUR_STAGES[spec.depth] if _has_four_stages(spec) else None
    return _Usual(name, widths, spec.widths[0], layers)


def _has_four_stages(spec: "ModelSpec") -> bool:
    return len(spec.widths) == len(FOUR_WIDTHS) and spec.depth in FOUR_STAGES


def _notes_on_stages(spec: "ModelSpec", kind: "BlockType", usual: _Usual) -> Iterator[str]:
    own_stages = spec.layers is not None or spec.groups > 1 or len(spec.widths) != len(WIDTHS)
    if spec.layers is None and usual.layers is None and spec.groups == 1 and spec.block != _usual_block(spec):
        yield f"{spec.block} blocks"
    shortcut = "projection" if own_stages or spec.stem_width is not None else kind.usual_shortcut
    if spec.has_shortcuts and spec.shortcut != shortcut:
        yield spec.shortcut
    if spec.has_shortcuts and not own_stages and spec.depth in FOUR_STAGES:
        yield "three stages"  # such as resnet(50), while resnet50 has four
    if spec.widths != usual.widths:
        yield "four stages" if spec.widths == FOUR_WIDTHS else f"widths {_joined(spec.widths)}"
    if spec.stem.out_chans != usual.stem:
        yield f"stem {spec.stem.out_chans}"
    layers = tuple(stage.blocks for stage in spec.stages)
    if layers != (usual.layers or layers[:1] * len(layers)):
        yield f"layers {_joined(layers)}"
    if spec.groups == 1 and spec.width_per_group != 64:
        yield f"width per group {spec.width_per_group}"


def _usual_block(spec: "ModelSpec") -> str:
    """The usual kind of blocks for equal stages and this depth: basic if they fit, except for some in the paper."""
    basic, *others = BLOCKS
    fits = is_valid_depth(spec.depth, find_block_type(spec.family, basic).layers * len(spec.widths))
    return basic if fits and spec.depth not in _BOTTLENECKS_ALL_THE_SAME else others[0]


def _notes_on_blocks(spec: "ModelSpec") -> Iterator[str]:
    if spec.norm != "batch":
        yield f"{spec.norm} norm"
    if not spec.last_norm:
        yield "no last norm"
    if spec.projection_input != "activated" and spec.shortcut != "identity":
        yield f"{spec.projection_input} projections"
    if spec.strided_conv is not None:
        yield f"stride in conv{spec.strided_conv}"
    if spec.drop_rate:
        yield f"dropout {spec.drop_rate}"
    if spec.zero_init_residual:
        yield "zero init"


def _joined(numbers: tuple[int, ...]) -> str:
    return "-".join(map(str, numbers))
