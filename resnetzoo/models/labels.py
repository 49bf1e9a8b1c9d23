"""What tables and titles call a network, from its spec alone. No torch here."""

from typing import TYPE_CHECKING

from resnetzoo.models.depths import FOUR_STAGES
from resnetzoo.models.shapes import WIDTHS

if TYPE_CHECKING:
    from resnetzoo.models.blocks.types import BlockType
    from resnetzoo.models.spec import ModelSpec


def label_of(spec: "ModelSpec", kind: "BlockType") -> str:
    """The name in the literature, with any further detail in brackets: `resnet56 (projection)`, `wrn28_10`.

    Args:
        spec: of the network.
        kind: of its blocks.
    """
    own_stages = spec.layers is not None or spec.groups > 1 or len(spec.widths) != len(WIDTHS)
    usual = "projection" if own_stages or spec.stem_width is not None else kind.usual_shortcut
    notes: list[str] = []
    if spec.has_shortcuts and spec.shortcut != usual:
        notes.append(spec.shortcut)
    if spec.has_shortcuts and not own_stages and spec.depth in FOUR_STAGES:
        notes.append("three stages")  # resnet(50), for one, where resnet50 has four
    if spec.norm != "batch":
        notes.append(f"{spec.norm} norm")
    if not spec.last_norm:
        notes.append("no last norm")
    if spec.projection_input != "activated" and spec.shortcut != "identity":
        notes.append(f"{spec.projection_input} projections")
    if spec.strided_conv is not None:
        notes.append(f"stride in conv{spec.strided_conv}")
    if spec.drop_rate:
        notes.append(f"dropout {spec.drop_rate:g}")
    name = _name_of(spec, kind)
    return f"{name} ({', '.join(notes)})" if notes else name


def _name_of(spec: "ModelSpec", kind: "BlockType") -> str:
    if spec.is_wide:
        return f"wrn{spec.depth}_{spec.widths[0] / spec.stem.out_chans:g}"
    if spec.groups > 1:
        return f"{kind.grouped_prefix}{spec.depth}_{spec.groups}x{spec.width_per_group}d"
    scale = spec.widths[0] // WIDTHS[0]
    if spec.stem_width is not None and spec.widths == tuple(width * scale for width in WIDTHS):
        return f"{kind.prefix}{spec.depth}x{scale}"  # as distillation benchmarks call them
    return f"{kind.prefix}{spec.depth}"
