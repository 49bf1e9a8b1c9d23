"""What the name of a network says about its stages, for comparison with the stages of weights."""

from typing import NamedTuple

from resnetzoo.models.spec import Block, ModelSpec
from resnetzoo.utils.text import counted


class Structure(NamedTuple):
    """The stages of a network; None for what a name leaves open.

    Attributes:
        block: kind of the blocks.
        layers: number of blocks in each stage.
        groups: groups of the 3x3 convolutions in the first stage: their number, and the channels of each.
        widths: widths of the stages, if they are part of the name.
        usual_widths: widths of the stages, if they are not. Many implementations use the name for other widths as well.
    """

    block: Block | None = None
    layers: tuple[int, ...] | None = None
    groups: tuple[int, int] | None = None
    widths: tuple[int, ...] | None = None
    usual_widths: tuple[int, ...] | None = None

    def difference(self, spec: ModelSpec) -> tuple[str, str] | None:
        """The first difference from the stages of `spec`, here and in `spec`; None if there is none."""
        found = structure_of(spec)
        if self.block not in (None, found.block):
            return f"{self.block} blocks", f"{found.block} blocks"
        if self.layers not in (None, found.layers):
            return f"{self.layers} blocks in its stages", f"{found.layers}"
        if self.groups is not None and found.groups is not None and self.groups != found.groups:
            return _groups_in_words(*self.groups), _groups_in_words(*found.groups)
        if self.widths is not None and found.widths is not None and len(self.widths) == len(found.widths):
            return None if self.widths == found.widths else (f"widths {self.widths}", f"widths {found.widths}")
        return None


def structure_of(spec: ModelSpec, *, named_widths: bool = True) -> Structure:
    """The stages of a network.

    Args:
        spec: spec of the network.
        named_widths: whether its widths are part of its name, as in `resnet8x4`.
    """
    # Without groups, channels are those of a bottleneck whose width is 64: a wide one may have other widths, too.
    of_each = spec.stages[0].width // spec.groups if spec.groups > 1 else spec.width_per_group
    layers = tuple(stage.blocks for stage in spec.stages)
    widths = (spec.widths, None) if named_widths else (None, spec.widths)
    return Structure(spec.block, layers, (spec.groups, of_each), *widths)


def _groups_in_words(groups: int, channels: int) -> str:
    return f"{counted(groups, 'group')} of {counted(channels, 'channel')}"
