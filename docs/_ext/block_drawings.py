"""The directive that draws close-ups of blocks, with the layers of their specs, for light and dark pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnetzoo import ModelSpec, get_spec, plots

WIDTH, BOX, HEIGHT, GAP = 200, 124, 24, 14  # pixels
MIDDLE = 78  # of the boxes; the shortcut passes on their right
REACH = 170  # of the shortcut
INKS = {"light": plots.LIGHT.ink, "dark": plots.DARK.ink}


@dataclass(frozen=True)
class CloseUp:
    """One block to draw: its title, the spec of a network that has it, and its formula."""

    title: str
    spec: ModelSpec
    formula: str


CLOSE_UPS = (
    CloseUp("plain", get_spec("plainnet20"), "y = relu(F(x))"),
    CloseUp("residual", get_spec("resnet20"), "y = relu(x + F(x))"),
    CloseUp("bottleneck", get_spec("resnet164"), "y = relu(x + F(x))"),
    CloseUp("pre-activation", get_spec("preresnet20"), "y = x + F(x)"),
)


def layers_of(spec: ModelSpec) -> list[str]:
    """The layers of F in order, for a block that keeps the shape of its input."""
    block = list(spec.stages[0].block_shapes())[-1]
    convs = spec.convs(block)
    found = []
    for place, conv in enumerate(convs):
        words = f"{conv.kernel}x{conv.kernel} conv, {conv.in_chans} → {conv.out_chans}"
        if conv.norm_first:
            found += ["batch norm", "ReLU", words]
        else:
            found += [words, "batch norm"] + ["ReLU"] * (place < len(convs) - 1)
    return found


def draw(one: CloseUp, theme: str) -> str:
    """The block as SVG text, from its input at the top to its output at the bottom."""
    ink, colour = INKS[theme], plots.looks_of([one.spec.label])[one.spec.label].color
    parts = [_text(one.title, MIDDLE, 16, ink, "bold"), _text("x", MIDDLE, 40, ink, "italic")]
    fork, y = 52.0, 56.0
    parts.append(f'<path d="M{MIDDLE} 46 V{y}" stroke="{ink}" stroke-width="1.4"/>')
    for words in layers_of(one.spec):
        parts += [_arrow(y, ink), _box(words, y + GAP, ink, colour)]
        y += GAP + HEIGHT
    if one.spec.has_shortcuts:
        parts += list(_addition(fork, y, ink, colour))
        y += GAP + 18
    if not one.spec.norm_first:
        parts += [_arrow(y, ink), _box("ReLU", y + GAP, ink, colour)]
        y += GAP + HEIGHT
    parts += [_arrow(y, ink), _text("y", MIDDLE, y + GAP + 14, ink, "italic")]
    parts.append(_text(one.formula, MIDDLE, y + GAP + 38, ink, "italic"))
    name = f"head-{theme}-{one.title}"
    head = (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{ink}"/></marker>'
    )
    inside = "".join(parts).replace("url(#head)", f"url(#{name})")
    size = f'viewBox="0 0 {WIDTH} {y + GAP + 46:.0f}" width="{WIDTH}"'
    label = escape(f"{one.title} block: {', '.join(layers_of(one.spec))}; {one.formula}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}" font-family="sans-serif" '
        f'font-size="13"><defs>{head}</defs>{inside}</svg>'
    )


def _text(words: str, x: float, y: float, ink: str, style: str = "") -> str:
    kind = {"bold": ' font-weight="bold"', "italic": ' font-style="italic"', "": ""}[style]
    return f'<text x="{x}" y="{y}" text-anchor="middle" fill="{ink}"{kind}>{escape(words)}</text>'


def _arrow(y: float, ink: str) -> str:
    return f'<path d="M{MIDDLE} {y} v{GAP}" stroke="{ink}" stroke-width="1.4" marker-end="url(#head)"/>'


def _box(words: str, y: float, ink: str, colour: str) -> str:
    """A layer as a box: filled for convolutions, the only learned stacks of filters, and an outline for the rest."""
    fill = f'fill="{colour}" fill-opacity="0.22" stroke="{colour}" stroke-width="2"'
    if "conv" not in words:
        fill = f'fill="none" stroke="{ink}" stroke-opacity="0.55"'
    return f'<rect x="{MIDDLE - BOX / 2}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="4" {fill}/>' + _text(
        words, MIDDLE, y + 16.5, ink
    )


def _addition(fork: float, y: float, ink: str, colour: str) -> Iterator[str]:
    """The shortcut from `fork` past the layers of F, and the circle below `y` where it is added."""
    centre = y + GAP + 9
    yield (
        f'<path d="M{MIDDLE} {fork} H{REACH - 12} Q{REACH} {fork} {REACH} {fork + 12} V{centre - 12} '
        f'Q{REACH} {centre} {REACH - 12} {centre} H{MIDDLE + 10}" fill="none" stroke="{colour}" stroke-width="3"/>'
    )
    yield _arrow(y, ink)
    yield f'<circle cx="{MIDDLE}" cy="{centre}" r="9" fill="none" stroke="{ink}" stroke-width="1.6"/>'
    yield (
        f'<path d="M{MIDDLE - 5} {centre} h10 M{MIDDLE} {centre - 5} v10" stroke="{ink}" stroke-width="1.6"/>'
        f'<text x="{REACH + 7}" y="{(fork + centre) / 2}" fill="{ink}" font-style="italic">x</text>'
    )
    middle = (fork + centre) / 2
    yield f'<text x="4" y="{middle}" fill="{ink}" font-style="italic">F</text>'


class BlockDrawing(SphinxDirective):
    """The named kinds of blocks, by default all, in a row that wraps on a phone."""

    optional_arguments = 4

    def run(self) -> list[nodes.Node]:
        rows = []
        shown = [one for one in CLOSE_UPS if not self.arguments or one.title in self.arguments]
        for theme in INKS:
            inside = "".join(f"<div>{draw(one, theme)}</div>" for one in shown)
            rows.append(f'<div class="only-{theme}"><div class="close-ups">{inside}</div></div>')
        return [nodes.raw("", "".join(rows), format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("block-drawing", BlockDrawing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
