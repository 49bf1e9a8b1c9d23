"""The figures of a report: errors by epoch, errors by depth, responses and gradients by layer."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resnetzoo.analysis import LayerValues, plot_gradient_norms, plot_response_std
from resnetzoo.models.looks import looks_of
from resnetzoo.reproduce.beside_source import FAMILIES, is_like_source
from resnetzoo.reproduce.comparison import by_name, measured_on
from resnetzoo.reproduce.curves import labelled_curves, note_provenance, published_curve
from resnetzoo.reproduce.depth_plot import draw_by_depth, points_of
from resnetzoo.reproduce.layer_stats import LayerMeasure, LayerRow, State
from resnetzoo.reproduce.outcome import Outcome
from resnetzoo.reproduce.picture import Picture
from resnetzoo.reproduce.source_document import SOURCE_ACCURACIES
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.figures import Theme, label_line_ends, new_figure, save_figure
from resnetzoo.utils.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL = (4.0, 3.1)  # inches; at the width of a phone its text is readable without zooming

_BY_DEPTH = "Test error at the last epoch by depth: a dot for each run, crosses and hollow marks for published errors"


class Panel(NamedTuple):
    """One pair of axes: its title, and the function that draws it."""

    title: str
    draw: Callable[["Axes"], None]


class Plot(NamedTuple):
    """A figure of one or more panels: the name of its file, its caption, and the panels."""

    stem: str
    caption: str
    panels: tuple[Panel, ...]


def draw_figures(outcome: Outcome, folder: Path) -> list[Picture]:
    """Write each figure for which the runs are sufficient, as PNG and SVG.

    Raises:
        OutputError: `folder` cannot be written.
    """
    pictures = []
    for plot in plots_of(outcome):
        width, height = _PANEL
        with new_figure(max(6, width * len(plot.panels)), height + 0.9) as figure:
            write_title(figure, plot.caption, f"{measured_on(outcome.records)}; {outcome.budget.label}")
            note_provenance(figure, outcome.records)
            row = figure.subplots(1, len(plot.panels), squeeze=False)[0]
            for axes, panel in zip(row, plot.panels, strict=True):
                axes.set_title(panel.title if len(row) > 1 else "")  # the heading describes a single panel
                panel.draw(axes)
            save_figure(figure, folder / f"{plot.stem}.png", folder / f"{plot.stem}.svg")
        pictures.append(Picture(plot.stem, plot.caption))
    return pictures


def write_title(figure: "Figure", caption: str, below: str) -> None:
    """Write the caption above the figure, and `below` under it, each in as many lines as the width needs."""
    width = int(13 * figure.get_figwidth())  # 13 characters of this size per inch
    figure.suptitle(f"{fill(caption, width)}\n{fill(below, width)}", ha="left", x=0.01)


def draw_panel(panel: Panel, paths: Sequence[Path], theme: Theme) -> None:
    """Write one panel as a separate figure in the colours of a theme, to files of any format.

    Raises:
        OutputError: a file cannot be written.
    """
    with new_figure(*_PANEL, theme) as figure:
        axes = figure.subplots()
        axes.set_title(panel.title)
        panel.draw(axes)
        save_figure(figure, *paths)


def plots_of(outcome: Outcome) -> list[Plot]:
    """The figures for which the runs are sufficient: a curve needs several epochs, and a line several depths."""
    plots = []
    counts = {len(group) for group in by_name(outcome.records).values()}
    seeds = f"{'up to ' if len(counts) > 1 else ''}{max(counts)} seeds"
    mean, spread = (f", mean of {seeds}", " and their range") if max(counts) > 1 else ("", "")
    if any(len(record.epochs) > 1 for record in outcome.records):
        plots.append(Plot("errors", f"Error by epoch: test in bold, training thin{mean}{spread}", _curves(outcome)))
        if len({point.depth for points in points_of(outcome).values() for point in points}) > 1:
            epochs = len(outcome.records[0].epochs)
            title = f"{measured_on(outcome.records)}: test error after {counted(epochs, 'epoch')}"
            panel = Panel(title, partial(draw_by_depth, points=points_of(outcome)))
            plots.append(Plot("depths", _BY_DEPTH, (panel,)))
    if outcome.layers:
        plots.append(Plot("responses", f"Standard deviation of each 3x3 layer's response{mean}", _responses(outcome)))
        plots.append(Plot("gradients", f"Norm of the gradient of each layer's weights{mean}", _gradients(outcome)))
    return plots


def _curves(outcome: Outcome) -> tuple[Panel, ...]:
    """One panel per series, as in figure 6, or one panel for all if each series has only one network."""
    series = points_of(outcome)
    groups = {one.title: [record for point in points for record in point.records] for one, points in series.items()}
    if all(len(points) == 1 for points in series.values()):
        groups = {"": list(outcome.records)}
    top = max(max(row.test_error, row.train_error) for record in outcome.records for row in record.epochs)
    return tuple(Panel(title, partial(_draw_curves, runs=runs, top=top)) for title, runs in groups.items())


def _draw_curves(axes: "Axes", runs: Sequence[RunRecord], top: float) -> None:
    """Draw curves up to the highest error of all panels, and the source's errors if the runs are comparable."""
    ends = labelled_curves(axes, runs)
    if is_like_source(runs):
        looks = {name: look for name, look in looks_of(by_name(runs)).items() if name in SOURCE_ACCURACIES}
        for name, look in looks.items():
            errors = {epoch: 100 - accuracy for epoch, accuracy in enumerate(SOURCE_ACCURACIES[name], start=1)}
            title = f"source document, {FAMILIES[name]}, recipe not known"
            line = published_curve(axes, errors, name=title, color=look.color)
            which = f" ({FAMILIES[name]})" if len(looks) > 1 else ""
            ends.append((line, f"source{which} {errors[max(errors)]:.2f} %"))
    axes.set_ylim(0, 1.05 * top)
    label_line_ends(axes, ends)


def _responses(outcome: Outcome) -> tuple[Panel, ...]:
    """Two panels, in the order of the layers and sorted by size, as in figure 7."""
    curves = _over_seeds(outcome.layers, "response std", "trained")
    by_size = {name: values.sorted() for name, values in curves.items()}
    return (
        Panel("in the order of the layers", partial(plot_response_std, curves=curves)),
        Panel("sorted by size", partial(plot_response_std, curves=by_size)),
    )


def _gradients(outcome: Outcome) -> tuple[Panel, ...]:
    states: dict[State, str] = {"initial": "before the first step", "trained": "trained"}
    return tuple(
        Panel(title, partial(plot_gradient_norms, curves=_over_seeds(outcome.layers, "gradient norm", state)))
        for state, title in states.items()
    )


def _over_seeds(rows: Sequence[LayerRow], measure: LayerMeasure, state: State) -> dict[str, LayerValues]:
    """The mean over the seeds of each network."""
    by_network: dict[str, list[LayerRow]] = {}
    for row in rows:
        if (row.measure, row.state) == (measure, state):
            by_network.setdefault(row.network, []).append(row)
    return {name: _mean_of([row.by_layer for row in group]) for name, group in by_network.items()}


def _mean_of(values: Sequence[LayerValues]) -> LayerValues:
    return LayerValues(values[0].names, np.mean([each.values for each in values], axis=0))
