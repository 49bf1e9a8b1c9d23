"""Errors by epoch as curves, in a separate figure or on given axes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from textwrap import fill
from typing import TYPE_CHECKING

from resnetzoo.errors import UsageError
from resnetzoo.models.looks import looks_of
from resnetzoo.reproduce.comparable import common_epochs
from resnetzoo.reproduce.comparison import by_name, measured_on, provenance_line
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.figures import check_figure_name, new_figure, save_figure
from resnetzoo.utils.text import encodable, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


def error_curves(axes: "Axes", runs: Sequence[RunRecord]) -> None:
    """Draw error by epoch as in figure 6 of arXiv:1512.03385: bold for test, thin for training.

    Colour shows the family of a network and line style its depth; networks that share both get markers. With several
    seeds the lines are means and the range of the test errors is shaded, over the epochs that all seeds have. Each line
    has a label for `axes.legend()`.

    Raises:
        UsageError: `by_name` refuses the runs, or one of them has no epochs.
    """
    labelled_curves(axes, runs)


def labelled_curves(axes: "Axes", runs: Sequence[RunRecord]) -> "list[tuple[Line2D, str]]":
    """Draw `error_curves`, and return the bold lines, each with a short label for its end."""
    groups = by_name(runs)
    _check_epochs(run for group in groups.values() for run in group)
    looks = looks_of(groups)
    alike = Counter((look.color, look.dashes) for look in looks.values())
    ends = []
    for name, group in groups.items():
        look, shown = looks[name], printable(name)
        common = common_epochs(group)
        epochs = [rows[0].epoch for rows in common]
        tests = [[row.test_error for row in rows] for rows in common]
        trains = [[row.train_error for row in rows] for rows in common]
        last = mean(tests[-1])
        seeds = f", mean of {len(group)} seeds" if len(group) > 1 else ""
        marked = len(epochs) == 1 or alike[look.color, look.dashes] > 1  # lines alone would be hidden or alike
        style = {"color": look.color, "ls": look.linestyle, "marker": look.marker if marked else "", "ms": 4}
        (line,) = axes.plot(
            epochs, [mean(values) for values in tests], lw=2.2, label=f"{shown} test: {last:.2f} %{seeds}", **style
        )
        axes.plot(epochs, [mean(values) for values in trains], lw=0.9, alpha=0.8, label=f"{shown} training", **style)
        if len(group) > 1:
            lows, highs = [min(values) for values in tests], [max(values) for values in tests]
            axes.fill_between(epochs, lows, highs, color=look.color, alpha=0.15, lw=0)
        ends.append((line, f"{shown} {last:.2f} %"))
    axes.set_xlabel("epoch")
    axes.set_ylabel("top-1 error (%)")
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", integer=True)
    return ends


def _check_epochs(runs: Iterable[RunRecord]) -> None:
    for run in runs:
        if not run.epochs:
            raise UsageError(f"the run of {run.name} with seed {run.seed} has no epoch to draw: leave it out")


def published_curve(axes: "Axes", errors: Mapping[int, float], *, name: str, color: str) -> "Line2D":
    """Draw published test errors in percent, by epoch, as hollow markers; if there are none, only the label."""
    last = f"{errors[max(errors)]:.2f} %" if errors else "-"
    epochs, values = list(errors), list(errors.values())
    (line,) = axes.plot(
        epochs,
        values,
        "o",
        color=color,
        mfc="none",
        ms=3.5,
        mew=0.9,
        label=f"{printable(name)}: {last}",
        zorder=2.5,
    )
    return line


def note_provenance(figure: "Figure", runs: Sequence[RunRecord]) -> None:
    """Write at the foot of the figure how its data was made, in as many lines as its width needs."""
    line = fill(provenance_line(runs), width=int(17 * figure.get_figwidth()))  # 17 characters of this size per inch
    figure.supxlabel(line, fontsize=7, alpha=0.7)


def save_comparison(
    runs: Sequence[RunRecord], path: str | Path, *, title: str, source: Mapping[str, float | Mapping[int, float]]
) -> None:
    """Draw `error_curves` into a file, with hollow markers or a dotted line for each entry of `source`.

    Args:
        runs: one or more runs of each network.
        path: a name that ends in `.png`, `.svg` or `.pdf`.
        title: title of the figure.
        source: name -> published errors in percent by epoch, drawn as markers, or the error of the last epoch, drawn as
            a line. The entries use the colours of the runs' networks, in the same order.

    Raises:
        UsageError: `path` has another ending, `by_name` refuses the runs, or one of them has no epochs.
        OutputError: `path` cannot be written.
    """
    path = check_figure_name(path)
    colours = [look.color for look in looks_of(by_name(runs)).values()]
    with new_figure(8, 5) as figure:
        axes = figure.subplots()
        labelled_curves(axes, runs)
        for index, (name, published) in enumerate(source.items()):
            colour = colours[index % len(colours)]
            if isinstance(published, Mapping):
                published_curve(axes, published, name=name, color=colour)
            else:
                axes.axhline(published, color=colour, ls=":", lw=1.5, label=f"{printable(name)}: {published:.2f} %")
        axes.set_title(f"{encodable(title)}\n{measured_on(runs)}")
        note_provenance(figure, runs)
        axes.legend()
        save_figure(figure, path)
