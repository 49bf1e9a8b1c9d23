"""A network's architecture as a picture, drawn from its spec: boxes from image to logits, shortcuts beside them.

Boxes of convolutions have the colour of the family, stronger with each stage. Text and lines have the colour of the
page if the SVG is inside one (`currentColor`).
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from resnetzoo.data.constants import INPUT_SIZE
from resnetzoo.models.complexity import complexity, strided
from resnetzoo.models.shapes import BlockShape, ConvShape
from resnetzoo.models.spec import ModelSpec
from resnetzoo.models.spec_of import spec_of
from resnetzoo.utils.colours import FAMILY_COLOURS
from resnetzoo.utils.files import write_text
from resnetzoo.utils.paths import output_path

if TYPE_CHECKING:
    from torch import nn

_WIDTH, _BOX_WIDTH, _BOX_HEIGHT, _GAP = 440, 190, 26, 16  # pixels
_LEFT = 110  # of the boxes; the sizes of the feature maps are left of them
_MIDDLE = _LEFT + _BOX_WIDTH / 2
_RIGHT = _LEFT + _BOX_WIDTH
_OPACITIES = (0.15, 0.27, 0.39, 0.51)  # of the boxes, one per stage; after the last, the first again
_SHOWN = 3  # most blocks of a stage that are all drawn; of more, the inner ones are only counted


def draw(spec: "str | ModelSpec | nn.Module") -> str:
    """Draw the network of a name, a spec or a model as SVG text.

    Convolutions are boxes with kernel, output channels and stride; norm and ReLU are named once. A shortcut is a
    line past its block: solid if it is the identity, dashed if it pads with zero channels or projects. If a stage has
    more than three blocks, only the first and the last are drawn, with the number of those between them.

    >>> draw(ModelSpec("plain", 20)).count("3x3 conv")
    19

    Raises:
        UnknownModelError: a name that is not registered.
        UsageError: `spec` is something else, or a model that no spec describes any more.
    """
    spec = spec_of(spec, "draw")
    canvas = _Canvas(spec)
    canvas.title()
    canvas.text("image", _MIDDLE)
    canvas.arrow()
    canvas.box(_conv_words(spec.stem), _OPACITIES[0])
    size = INPUT_SIZE
    for stage, opacity in zip(spec.stages, cycle(_OPACITIES), strict=False):
        size = strided(size, stage.stride)
        canvas.size(f"{size} x {size}")
        for block in _some(list(stage.block_shapes())):
            if block is None:
                canvas.arrow()
                canvas.text(f"{stage.blocks - 2} more like the next", _MIDDLE)
            else:
                canvas.block(block, opacity)
    canvas.arrow()
    canvas.box("global average pool")
    canvas.arrow()
    canvas.box(f"fully connected, {spec.num_classes}")
    return canvas.svg()


def save_drawing(spec: "str | ModelSpec | nn.Module", path: str | Path) -> None:
    """Write `draw(spec)` to a file that ends in `.svg`.

    Raises:
        UnknownModelError, UsageError: as `draw`, or `path` does not end in `.svg`.
        OutputError: the file cannot be written.
    """
    write_text(output_path(path, [".svg"], "drawings of networks"), draw(spec))


def _some(blocks: Sequence[BlockShape]) -> Iterator[BlockShape | None]:
    """The blocks, or the first and the last with None between them."""
    if len(blocks) <= _SHOWN:
        yield from blocks
    else:
        yield from (blocks[0], None, blocks[-1])


def _conv_words(conv: ConvShape) -> str:
    words = f"{conv.kernel}x{conv.kernel} conv, {conv.out_chans}"
    return words if conv.stride == 1 else f"{words}, /{conv.stride}"


def _shortcut_words(spec: ModelSpec, block: BlockShape) -> str:
    if projection := spec.projection(block):
        return _conv_words(projection)
    return "zero padding" if block.changes_shape else ""


class _Canvas:
    """Elements from top to bottom; `y` is where the next one begins."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.colour = FAMILY_COLOURS[spec.family]
        # Unique on a page with several drawings.
        self.head = re.sub(r"\W+", "-", f"head-{spec.label}").strip("-")
        self.parts: list[str] = []
        self.y = 24.0

    def title(self) -> None:
        self.parts.append(f'<text x="12" y="{self.y}" class="title">{escape(self.spec.label)}</text>')
        for words in (f"{complexity(self.spec).params:,} parameters", *self.spec.activations):
            self.y += 17
            self.parts.append(f'<text x="12" y="{self.y}" class="small">{words}</text>')
        self.y += 18

    def text(self, words: str, x: float) -> None:
        self.parts.append(f'<text x="{x}" y="{self.y + 12}" class="middle">{escape(words)}</text>')
        self.y += 18

    def size(self, words: str) -> None:
        """Height and width of the feature maps, to the left of the next boxes."""
        self.parts.append(f'<text x="12" y="{self.y + _GAP + 18}" class="small">{words}</text>')

    def arrow(self) -> None:
        self.parts.append(f'<path d="M{_MIDDLE} {self.y} v{_GAP}" marker-end="url(#{self.head})"/>')
        self.y += _GAP

    def box(self, words: str, opacity: float = 0) -> None:
        self.parts.append(
            f'<rect x="{_LEFT}" y="{self.y}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="4" fill="{self.colour}" '
            f'fill-opacity="{opacity:g}"/>'
            f'<text x="{_MIDDLE}" y="{self.y + 17.5}" class="middle">{escape(words)}</text>'
        )
        self.y += _BOX_HEIGHT

    def block(self, block: BlockShape, opacity: float) -> None:
        begin = self.y + _GAP / 3
        for conv in self.spec.convs(block):
            self.arrow()
            self.box(_conv_words(conv), opacity)
        if self.spec.has_shortcuts:
            self.addition(begin, _shortcut_words(self.spec, block))

    def addition(self, begin: float, words: str) -> None:
        """The shortcut from `begin` past the boxes, and the circle where it is added."""
        self.arrow()
        centre = self.y + 8
        dashed = ' stroke-dasharray="5 4"' if words else ""
        reach = _RIGHT + 26
        self.parts.append(
            f'<path d="M{_MIDDLE} {begin} H{reach - 12} Q{reach} {begin} {reach} {begin + 12} V{centre - 12} '
            f'Q{reach} {centre} {reach - 12} {centre} H{_MIDDLE + 9}" marker-end="url(#{self.head})"{dashed}/>'
            f'<circle cx="{_MIDDLE}" cy="{centre}" r="8"/>'
            f'<path d="M{_MIDDLE - 5} {centre} h10 M{_MIDDLE} {centre - 5} v10"/>'
        )
        if words:
            self.parts.append(f'<text x="{reach + 6}" y="{(begin + centre) / 2 + 4}" class="small">{words}</text>')
        self.y += 16

    def svg(self) -> str:
        height = self.y + 16
        body = "\n".join(self.parts)
        head = (
            f'<defs><marker id="{self.head}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0 L8 4 L0 8 z" style="fill: currentColor; stroke: none"/></marker></defs>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" '
            f'height="{height:g}" role="img" aria-label="Architecture of {escape(self.spec.label)}" color="#333">\n'
            f"{_STYLE}\n{head}\n{body}\n</svg>\n"
        )


_STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: currentColor; }
.title { font-size: 17px; font-weight: 600; }
.small { font-size: 11px; }
.middle { text-anchor: middle; }
path, circle, rect { stroke: currentColor; stroke-width: 1.2; }
path, circle { fill: none; }
</style>"""
