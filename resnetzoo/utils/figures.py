"""The style of every figure, and how figures are made, labelled and written.

Colour is the family of a network and line style its depth, in every figure. A dark figure differs only in its text,
axes and grid. matplotlib is imported only where a figure is drawn.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resnetzoo.utils.colours import FAMILY_COLOURS, OTHER_COLOURS
from resnetzoo.utils.files import write_atomically
from resnetzoo.utils.paths import output_path

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.offsetbox import DrawingArea

MARKERS = ("o", "s", "^", "D", "v")
"""For lines that share colour and line style, in order of appearance."""

# Greatest depth -> the lengths of dashes and gaps, in line widths; () is a solid line.
_DASHES: dict[int, tuple[float, ...]] = {
    20: (),
    32: (5, 1.5),
    44: (5, 1.5, 1, 1.5),
    56: (2, 1.2),
    110: (1, 1),
}
_DEEPEST = (5, 1.5, 1, 1.5, 1, 1.5)
_SUFFIXES = (".png", ".svg", ".pdf")
_DATES = {"svg": "Date", "pdf": "CreationDate"}
_FONT_SIZE = 9  # points
_LABEL_GAP = 7  # points, from a line's end to its label
_LINE_HEIGHT = 1.3  # of a label, in font sizes
_PIECE = 24  # points: how much of a line a label shows, so that dashes can be told apart


@dataclass(frozen=True)
class Theme:
    """The colours of a figure, to match the page that shows it.

    Attributes:
        ink: colour of text and axes.
        grid: colour of grid lines.
        background: colour of the whole figure; `none` lets the page show through.
    """

    ink: str
    grid: str
    background: str


LIGHT = Theme(ink="#1b1c1e", grid="#dcdee2", background="white")
"""For white pages and for files of their own."""

DARK = Theme(ink="#cfd0d0", grid="#3a3d43", background="none")
"""For dark pages."""


class Look(NamedTuple):
    """The style of one network's line.

    Attributes:
        color: colour of line and markers.
        dashes: lengths of dashes and gaps in line widths; empty for a solid line.
        marker: marker of its points, if they are marked.
    """

    color: str
    dashes: tuple[float, ...] = ()
    marker: str = MARKERS[0]

    @property
    def linestyle(self) -> Any:
        """The line style in matplotlib's form."""
        return (0, self.dashes) if self.dashes else "-"


def look_of_network(family: str, depth: int) -> Look:
    """The look of a network: colour by family, and line style by depth, rounded up to the paper's depths."""
    return Look(FAMILY_COLOURS[family], next((dashes for most, dashes in _DASHES.items() if depth <= most), _DEEPEST))


@contextmanager
def styled(theme: Theme = LIGHT) -> Iterator[None]:
    """A block in which figures are made, drawn and saved in this style; matplotlib's own settings return after it."""
    import matplotlib

    with matplotlib.rc_context(_settings(theme)):  # type: ignore[arg-type]  # a Literal of each name
        yield


@contextmanager
def new_figure(width: float, height: float, theme: Theme = LIGHT) -> "Iterator[Figure]":
    """A figure of this size in inches, without a window, to be drawn and saved within the block.

    The names of classes and files may be in any script: letters that the font lacks are drawn as boxes, without one of
    matplotlib's warnings for each use.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with styled(theme), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def check_figure_name(path: str | Path) -> Path:
    """The path of a picture; other names are refused here, before anything is measured or drawn.

    Raises:
        UsageError: the name does not end in `.png`, `.svg` or `.pdf`.
    """
    return output_path(path, _SUFFIXES, "pictures")


def save_figure(figure: "Figure", *paths: Path) -> None:
    """Write the figure to each path, as PNG, SVG or PDF by its suffix; the same figure gives the same bytes.

    Raises:
        OutputError: a path cannot be written.
    """
    for path in paths:
        picture, kind = io.BytesIO(), path.suffix[1:].lower()
        figure.savefig(picture, format=kind, metadata={_DATES[kind]: None} if kind in _DATES else None)
        write_atomically(path, picture.getvalue())


def label_line_ends(axes: "Axes", labels: "Sequence[tuple[Line2D, str]]") -> None:
    """Write a label after the last point of each line; labels that would overlap are moved apart, but not below the
    axes. Where lines share a colour, each label begins with a piece of its line.

    Call it last: a change to the limits or the size of the axes moves the lines but not the distances between labels.
    """
    from matplotlib.offsetbox import AnnotationBbox, HPacker, TextArea

    figure: Figure = axes.get_figure(root=True)  # type: ignore[assignment]  # axes that are drawn on have one
    figure.draw_without_rendering()  # which gives the axes their size
    ends = [tuple(np.asarray(line.get_xydata(), float)[-1]) for line, _ in labels]
    heights = [float(axes.transData.transform(end)[1]) * 72 / figure.dpi for end in ends]
    bottom = axes.bbox.y0 * 72 / figure.dpi + _LINE_HEIGHT * _FONT_SIZE / 2
    places = spread(heights, _LINE_HEIGHT * _FONT_SIZE, lowest=bottom)
    share = len({line.get_color() for line, _ in labels}) < len(labels)
    for (line, text), end, height, place in zip(labels, ends, heights, places, strict=True):
        parts: list[Artist] = [*([_piece_of(line)] if share else []), TextArea(text)]
        label = HPacker(children=parts, align="center", pad=0, sep=_FONT_SIZE / 2)
        offset = (_LABEL_GAP, place - height)
        axes.add_artist(
            AnnotationBbox(label, end, offset, boxcoords="offset points", box_alignment=(0, 0.5), frameon=False, pad=0)
        )


def _piece_of(line: "Line2D") -> "DrawingArea":
    """A horizontal piece of a line in its style, as in a legend; for marks without a line, a single mark."""
    from matplotlib.lines import Line2D
    from matplotlib.offsetbox import DrawingArea

    area = DrawingArea(_PIECE, _FONT_SIZE)
    places = [_PIECE / 2] if line.get_linestyle() == "None" else [0, _PIECE / 2, _PIECE]
    piece = Line2D(places, [_FONT_SIZE / 2] * len(places))
    piece.update_from(line)
    piece.set_transform(area.get_transform())  # not that of the axes, nor their edges
    piece.set_clip_box(None)
    piece.set_clip_path(None)
    area.add_artist(piece)
    return area


def spread(places: Sequence[float], distance: float, lowest: float = -np.inf) -> list[float]:
    """The positions in the same order, at least this far apart, each moved as little as its neighbours allow, and none
    below the lowest.
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    groups: list[list[float]] = []  # of each member, the place it wants for the lowest one
    for rank, index in enumerate(order):
        groups.append([places[index] - rank * distance])
        while len(groups) > 1 and _mean(groups[-2]) > _mean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    bottoms = [max(lowest, _mean(group)) for group in groups for _ in group]
    moved = dict(zip(order, bottoms, strict=True))
    return [moved[index] + order.index(index) * distance for index in range(len(places))]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _settings(theme: Theme) -> dict[str, Any]:
    from cycler import cycler

    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
    return {
        **dict.fromkeys(inks, theme.ink),
        "figure.dpi": 200,
        "savefig.dpi": "figure",
        "figure.facecolor": theme.background,
        "savefig.facecolor": theme.background,
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=[*FAMILY_COLOURS.values(), *OTHER_COLOURS]),
        "axes.titlelocation": "left",
        "axes.titlesize": _FONT_SIZE + 1,
        "figure.titlesize": _FONT_SIZE + 1,
        "font.size": _FONT_SIZE,
        "grid.color": theme.grid,
        "grid.linewidth": 0.7,
        "legend.fontsize": _FONT_SIZE,
        "legend.frameon": False,
        "legend.handlelength": 2.8,  # so that dashes can be told apart
        "lines.dash_capstyle": "butt",
        "svg.hashsalt": "resnetzoo",
    }
