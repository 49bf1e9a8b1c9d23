"""The pictures of a report: errors by epoch, errors by depth, responses and gradients by layer."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resnetzoo.analysis import LayerValues, plot_gradient_norms, plot_response_std
from resnetzoo.reproduce.beside_source import FAMILIES, is_like_source
from resnetzoo.reproduce.comparison import by_name, measured_on
from resnetzoo.reproduce.curves import error_curves, note_provenance, published_curve
from resnetzoo.reproduce.layer_stats import LayerMeasure, LayerRow, State
from resnetzoo.reproduce.markdown import Picture
from resnetzoo.reproduce.outcome import Outcome
from resnetzoo.reproduce.published import BEST_OF_ANY_RECIPE, BEST_PEER, PAPER_ERRORS
from resnetzoo.reproduce.series import Series, networks_by_label, series_of
from resnetzoo.reproduce.source_document import SOURCE_ACCURACIES
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.figures import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OTHERS = {**BEST_PEER, **BEST_OF_ANY_RECIPE}  # of different networks: these have projections


def draw_figures(outcome: Outcome, folder: Path) -> list[Picture]:
    """Write each picture that the runs suffice for, as PNG and SVG.

    Raises:
        OutputError: `folder` cannot be written.
    """
    drawn = {"errors": (_curves(outcome), "Error by epoch: test in bold, training dashed")}
    if len({point.depth for points in _points(outcome).values() for point in points}) > 1:
        drawn["depths"] = (_by_depth(outcome), "Test error by depth: each dot is one seed, hollow ones were published")
    if outcome.layers:
        drawn["responses"] = (_responses(outcome), "Standard deviation of each 3x3 layer's response, mean over seeds")
        drawn["gradients"] = (_gradients(outcome), "Gradient norm of each layer's weights, mean over seeds")
    pictures = []
    for stem, (figure, caption) in drawn.items():
        figure.suptitle(f"{caption}\n{measured_on(outcome.records)}; {outcome.budget.label}", fontsize=11)
        note_provenance(figure, outcome.records)
        save_figure(figure, folder / f"{stem}.png", folder / f"{stem}.svg")
        pictures.append(Picture(stem, caption))
    return pictures


class _Point(NamedTuple):
    """A network of a series."""

    depth: int
    records: list[RunRecord]


def _points(outcome: Outcome) -> dict[Series, list[_Point]]:
    """The networks that have runs, by series, in the order of their runs."""
    planned = networks_by_label(outcome.target)
    points: dict[Series, list[_Point]] = {}
    for label, records in by_name(outcome.records).items():
        network = planned[label]
        points.setdefault(series_of(network), []).append(_Point(network.spec().depth, records))
    return points


def _curves(outcome: Outcome) -> "Figure":
    """A panel a series, as in figure 6; one for all where each series has but one network."""
    panels = {
        series.title: [record for point in points for record in point.records]
        for series, points in _points(outcome).items()
    }
    if all(len(points) == 1 for points in _points(outcome).values()):
        panels = {"": list(outcome.records)}
    figure = new_figure(max(8, 5.5 * len(panels)), 5)
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, records) in zip(row, panels.items(), strict=True):
        error_curves(axes, records)
        _draw_source(axes, records)
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=7)
    return figure


def _draw_source(axes: "Axes", records: Sequence[RunRecord]) -> None:
    """The source document's errors beside runs on the same data and of the same length."""
    if not is_like_source(records):
        return
    for index, name in enumerate(by_name(records)):
        if name in SOURCE_ACCURACIES:
            errors = {epoch: 100 - accuracy for epoch, accuracy in enumerate(SOURCE_ACCURACIES[name], start=1)}
            title = f"source document, {FAMILIES[name]}, recipe not known"
            published_curve(axes, errors, name=title, color=f"C{index}")


def _by_depth(outcome: Outcome) -> "Figure":
    figure = new_figure(8, 5)
    axes = figure.subplots()
    depths = set()
    for index, (series, points) in enumerate(_points(outcome).items()):
        color = f"C{index}"
        means = [mean(_errors(point.records)) for point in points]
        axes.plot([point.depth for point in points], means, color=color, label=f"{series.title}, mean")
        for point in points:
            ours = _errors(point.records)
            axes.plot([point.depth] * len(ours), ours, ".", ms=9, color=color)
            depths.add(point.depth)
        for whose, marker, errors in (("the paper's", "o", PAPER_ERRORS), ("others' best", "s", _OTHERS)):
            published = {point.depth: errors[name] for point in points if (name := point.records[0].name) in errors}
            label = f"{series.title}, {whose}, full recipe"
            if published:
                axes.plot(
                    *zip(*published.items(), strict=True), marker, ls="none", mfc="none", color=color, label=label
                )
    axes.set_xlabel("layers")
    axes.set_ylabel("top-1 test error, last epoch (%)")
    axes.set_xticks(sorted(depths))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def _responses(outcome: Outcome) -> "Figure":
    """Original order above, sorted by size below, as in figure 7."""
    curves = _over_seeds(outcome.layers, "response std", "trained")
    figure = new_figure(8, 7)
    above, below = figure.subplots(2, 1)
    plot_response_std(above, curves)
    plot_response_std(below, {name: values.sorted() for name, values in curves.items()})
    above.set_title("in the order of the layers", fontsize=9)
    below.set_title("sorted by size", fontsize=9)
    return figure


def _gradients(outcome: Outcome) -> "Figure":
    figure = new_figure(8, 7)
    states: tuple[State, State] = ("initial", "trained")
    for axes, state in zip(figure.subplots(2, 1), states, strict=True):
        plot_gradient_norms(axes, _over_seeds(outcome.layers, "gradient norm", state))
        axes.set_title({"initial": "before the first step", "trained": "trained"}[state], fontsize=9)
    return figure


def _over_seeds(rows: Sequence[LayerRow], measure: LayerMeasure, state: State) -> dict[str, LayerValues]:
    """By network, the mean over its seeds."""
    by_network: dict[str, list[LayerRow]] = {}
    for row in rows:
        if (row.measure, row.state) == (measure, state):
            by_network.setdefault(row.network, []).append(row)
    return {name: _mean_of([row.by_layer for row in group]) for name, group in by_network.items()}


def _mean_of(values: Sequence[LayerValues]) -> LayerValues:
    return LayerValues(values[0].names, np.mean([each.values for each in values], axis=0))


def _errors(records: Sequence[RunRecord]) -> list[float]:
    return [record.epochs[-1].test_error for record in records]
