"""The figure of degradation: the error at the last epoch over the depth, one line per series."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

from resnetzoo.reproduce.comparison import by_name
from resnetzoo.reproduce.outcome import Outcome
from resnetzoo.reproduce.published import AKAMASTER_ERRORS, CHENYAOFO_ERRORS, PAPER_ERRORS
from resnetzoo.reproduce.series import Series, networks_by_label, series_of
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.colours import FAMILY_COLOURS
from resnetzoo.utils.figures import MARKERS, label_line_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_PUBLISHED = (
    ("the paper, 164 epochs", "o", PAPER_ERRORS),
    ("akamaster, 200 epochs", "s", AKAMASTER_ERRORS),
    ("chenyaofo, projections, best of 200 epochs", "^", CHENYAOFO_ERRORS),
)


class Point(NamedTuple):
    """A network of a series."""

    depth: int
    records: list[RunRecord]

    @property
    def errors(self) -> list[float]:
        """Test errors at the last epoch in percent, one per seed."""
        return [record.epochs[-1].test_error for record in self.records]


def points_of(outcome: Outcome) -> dict[Series, list[Point]]:
    """The networks that have runs, by series, in the order of their runs."""
    planned = networks_by_label(outcome.target)
    points: dict[Series, list[Point]] = {}
    for label, records in by_name(outcome.records).items():
        network = planned[label]
        points.setdefault(series_of(network), []).append(Point(network.spec().depth, records))
    return points


def draw_by_depth(axes: "Axes", points: Mapping[Series, Sequence[Point]]) -> None:
    """Draw a dot for each run, a line through the means, and hollow marks for published errors.

    The series of one family differ in the shape of their dots.
    """
    ends: list[tuple[Line2D, str]] = []
    drawn: Counter[str] = Counter()
    shown: dict[str, str] = {}  # the shape of a hollow mark, by what it means
    for series, networks in points.items():
        color, marker = FAMILY_COLOURS[series.family], MARKERS[drawn[series.family] % len(MARKERS)]
        drawn[series.family] += 1
        means = [mean(point.errors) for point in networks]
        depths = [point.depth for point in networks]
        (line,) = axes.plot(
            depths, means, color=color, lw=2, marker=marker, ms=5, markevery=[]
        )  # dots in its label only
        ends.append((line, f"{series.title} {means[-1]:.1f} %"))
        for point in networks:
            axes.plot([point.depth] * len(point.errors), point.errors, marker, ls="none", ms=5, color=color)
        for whose, shape, errors in _PUBLISHED:
            published = {point.depth: errors[name] for point in networks if (name := point.records[0].name) in errors}
            if published:
                shown[whose] = shape
                axes.plot(
                    list(published), list(published.values()), shape, ls="none", ms=6, mfc="none", mew=1.2, color=color
                )
    axes.set_xlabel("depth (weighted layers)")
    axes.set_ylabel("top-1 test error (%)")
    axes.set_ylim(0, 1.12 * axes.get_ylim()[1])  # with room for the legend
    axes.set_xticks(sorted({point.depth for networks in points.values() for point in networks}))
    _explain(axes, shown)
    label_line_ends(axes, ends)


def _explain(axes: "Axes", hollow: Mapping[str, str]) -> None:
    """Draw a legend of the shapes, whose meaning is the same in each colour."""
    from matplotlib.lines import Line2D

    ink = axes.xaxis.label.get_color()
    marks = [Line2D([], [], ls="none", marker=MARKERS[0], ms=5, color=ink, label="our runs")]
    marks += [
        Line2D([], [], ls="none", marker=shape, ms=6, mfc="none", mew=1.2, color=ink, label=whose)
        for whose, shape in hollow.items()
    ]
    axes.legend(handles=marks, loc="best", fontsize=8, handlelength=1, handletextpad=0.4)
