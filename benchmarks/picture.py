"""The history of one machine as a picture: a panel a kind of work, a line a benchmark."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trend import DROP, Point

from resnetzoo import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = {
    "forward": "Inference (fraction of the matrix rate)",
    "step": "Training step (fraction of the matrix rate)",
    "fit": "fit, end to end (fraction of the matrix rate)",
    "": "All else (the oldest record is 1)",
}
# Named, with the looks of their networks; the others of the same panel are faint.
SHOWN = tuple(f"resnet{depth}-{rest}" for depth in (20, 56) for rest in ("128-", "1-"))


def save_history(points: Sequence[Point], path: Path) -> None:
    """Draw one machine's points into a PNG.

    Raises:
        OSError: it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    labels = list(dict.fromkeys(point.record.label for point in points))
    kinds = [kind for kind in PANELS if any(panel_of(point.benchmark) == kind for point in points)]
    columns = min(2, len(kinds))
    rows = -(-len(kinds) // columns)
    with plots.styled():
        figure = Figure(figsize=(6.2 * columns, 0.9 + 3 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for kind, axes in zip(kinds, panels, strict=False):
            draw_panel(axes, kind, [point for point in points if panel_of(point.benchmark) == kind], labels)
        for axes in panels[len(kinds) :]:
            axes.set_axis_off()
        last = points[-1].record
        figure.suptitle(f"Speed by version: {last.machine}", ha="left", x=0.01)
        legend = "divided by a calibration of the same rounds, higher is better"
        ringed = f"ringed: more than {100 * DROP:.0f} % below the best before"
        newest = f"newest: {last.device}, {last.precision}, torch {last.versions['torch']}, {last.recorded[:10]}"
        figure.supxlabel(f"{legend}; {ringed}\n{newest}", fontsize=7, alpha=0.7)
        figure.savefig(path, format="png", dpi=150)


def draw_panel(axes: "Axes", kind: str, points: Sequence[Point], labels: Sequence[str]) -> None:
    names = list(dict.fromkeys(point.benchmark for point in points))
    looks = looks_of([name for name in names if is_named(name)])
    for name in names:
        line = [point for point in points if point.benchmark == name]
        unit = line[0].normalised if kind == "" else 1.0
        places = [labels.index(point.record.label) for point in line]
        values = [point.normalised / unit for point in line]
        if look := looks.get(name):
            style = {"color": look.color, "ls": look.linestyle, "marker": look.marker}
            axes.plot(places, values, **style, ms=4, lw=1.8, label=label_of(name), zorder=3)
        else:
            axes.plot(places, values, color="0.8", marker="o", ms=2, lw=0.8, zorder=1)
        for place, value, point in zip(places, values, line, strict=True):
            if point.dropped:
                ring(axes, place, value, f"{label_of(name)} {100 * point.change:+.0f} %")
    axes.set_title(PANELS[kind])
    axes.set_ylim(bottom=0)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_xticks(range(len(labels)), labels, rotation=20, ha="right", fontsize=7)
    axes.tick_params(axis="y", labelsize=8)
    if looks:
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


def looks_of(names: Sequence[str]) -> dict[str, plots.Look]:
    """The looks of the networks that the benchmarks are about; those of one network differ in their markers."""
    networks = [f"{label_of(name).split('-')[0]} ({name})" for name in names]
    return dict(zip(names, plots.looks_of(networks).values(), strict=True))


def ring(axes: "Axes", place: int, value: float, text: str) -> None:
    axes.plot(place, value, "o", ms=11, mfc="none", mec="crimson", mew=2, zorder=4)
    axes.annotate(
        text,
        (place, value),
        xytext=(-9, -11),
        textcoords="offset points",
        ha="right",
        fontsize=7,
        color="crimson",
        bbox={"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 1},
        zorder=5,
    )


def is_named(benchmark: str) -> bool:
    """Whether it has a colour: all but the many that differ in name or batch only."""
    network = benchmark.partition("[")[2].rstrip("]")
    return not network or network in ("resnet20", "resnet56") or network.startswith(SHOWN)


def panel_of(benchmark: str) -> str:
    """`forward` of `forward[resnet20-128-eager]`; empty for what has no panel of its own."""
    kind = benchmark.split("[")[0]
    return kind if kind in PANELS else ""


def label_of(benchmark: str) -> str:
    """`resnet20-128-eager` of `forward[resnet20-128-eager]`, which its panel names; else all of it."""
    return benchmark.partition("[")[2].rstrip("]") if panel_of(benchmark) else benchmark
