"""The figure of degradation: the error at the last epoch against the depth, one line per series."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import TYPE_CHECKING, Any, NamedTuple

from resnetzoo.reproduce.comparison import by_name, is_cifar10
from resnetzoo.reproduce.outcome import Outcome
from resnetzoo.reproduce.published import PUBLISHED, peer_errors
from resnetzoo.reproduce.series import Series, networks_by_label, series_of
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.colours import FAMILY_COLOURS
from resnetzoo.utils.figures import MARKERS, label_line_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_HOLLOW: dict[str, Any] = {"ls": "none", "ms": 6, "mfc": "none", "mew": 1.2}
_PAPERS, _PEERS = "x", MARKERS[0]  # in the legend; in the figure, peers have the shape of their series


class Point(NamedTuple):
    """A network of a series, with its runs."""

    depth: int
    records: list[RunRecord]

    @property
    def name(self) -> str:
        """Its label."""
        return self.records[0].name

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
    """Draw a dot for each run, a line through the means, and published errors if the runs are on CIFAR-10.

    The series of one family differ in the shape of their dots. Errors that repositories report have the same shape but
    are hollow; errors that the papers report are crosses.
    """
    ends: list[tuple[Line2D, str]] = []
    hollow: dict[str, str] = {}  # whose errors are beside our runs -> their shape
    drawn: Counter[str] = Counter()
    for series, networks in points.items():
        color, marker = FAMILY_COLOURS[series.family], MARKERS[drawn[series.family] % len(MARKERS)]
        drawn[series.family] += 1
        means = [mean(point.errors) for point in networks]
        depths = [point.depth for point in networks]
        dots = {"marker": marker, "ms": 5, "markevery": []}  # for the line's label; the line itself has no markers
        (line,) = axes.plot(depths, means, color=color, lw=2, **dots)  # type: ignore[arg-type]
        ends.append((line, f"{series.title} {means[-1]:.2f} %"))
        for point in networks:
            axes.plot([point.depth] * len(point.errors), point.errors, marker, ls="none", ms=5, color=color)
        hollow |= _draw_published(axes, networks, color, marker)
    axes.set_xlabel("depth (weighted layers)")
    axes.set_ylabel("top-1 test error (%)")
    axes.set_ylim(0, 1.12 * axes.get_ylim()[1])  # with room for the legend
    axes.set_xticks(sorted({point.depth for networks in points.values() for point in networks}))
    _explain(axes, dict(sorted(hollow.items(), reverse=True)))
    label_line_ends(axes, ends)


def _draw_published(axes: "Axes", networks: Sequence[Point], color: str, marker: str) -> dict[str, str]:
    """Draw what others report for the networks of a series, and return the meaning of each shape."""
    networks = [point for point in networks if is_cifar10(point.records)]
    papers = [
        (point.depth, row) for point in networks for row in PUBLISHED if row.network == point.name and not row.variant
    ]
    peers = [(point.depth, error) for point in networks for error in peer_errors(point.name)]
    shown = {}
    if peers:
        axes.plot([depth for depth, _ in peers], [error for _, error in peers], marker, color=color, **_HOLLOW)
        shown["other repositories"] = _PEERS
    if papers:
        axes.plot([depth for depth, _ in papers], [row.cifar10 for _, row in papers], _PAPERS, color=color, **_HOLLOW)
        epochs = sorted({row.epochs for _, row in papers if row.epochs})
        length = str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
        shown[f"the papers, {length} epochs"] = _PAPERS
    return shown


def _explain(axes: "Axes", hollow: Mapping[str, str]) -> None:
    """Draw a legend of the shapes, which mean the same in every colour."""
    from matplotlib.lines import Line2D

    ink = axes.xaxis.label.get_color()
    marks = [Line2D([], [], ls="none", marker=MARKERS[0], ms=5, color=ink, label="our runs")]
    marks += [Line2D([], [], marker=shape, color=ink, label=whose, **_HOLLOW) for whose, shape in hollow.items()]
    axes.legend(handles=marks, loc="best", fontsize=8, handlelength=1, handletextpad=0.4)
