"""The pictures of a report: errors by epoch, errors by depth, and what the layers answer and learn from."""

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resnetzoo.analysis import LayerValues, plot_gradient_norms, plot_response_std
from resnetzoo.reproduce.comparison import by_name, measured_on, provenance_line
from resnetzoo.reproduce.curves import error_curves
from resnetzoo.reproduce.document import Picture
from resnetzoo.reproduce.layer_stats import LayerMeasure, LayerRow, State
from resnetzoo.reproduce.outcome import Outcome
from resnetzoo.reproduce.published import PAPER, SOURCE, SOURCE_EPOCH
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.figures import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_all(outcome: Outcome, folder: Path) -> list[Picture]:
    """Write each picture that the runs suffice for, as PNG and SVG.

    Raises:
        OutputError: `folder` cannot be written.
    """
    drawn = {"errors": (_curves(outcome), "Error by epoch: test in bold, training dashed")}
    if len({_Label.of(record).depth for record in outcome.records}) > 1:
        drawn["depths"] = (_by_depth(outcome), "Test error by depth, a dot a seed; hollow: the papers'")
    if outcome.layers:
        drawn["responses"] = (_responses(outcome), "Standard deviation of each 3x3 layer's response, mean over seeds")
        drawn["gradients"] = (_gradients(outcome), "Gradient norm of each layer's weights, mean over seeds")
    pictures = []
    for stem, (figure, caption) in drawn.items():
        figure.suptitle(f"{caption}\n{measured_on(outcome.records)}; {outcome.budget.label}", fontsize=11)
        figure.supxlabel(provenance_line(outcome.records), fontsize=6, color="0.4")
        save_figure(figure, folder / f"{stem}.png", folder / f"{stem}.svg")
        pictures.append(Picture(stem, caption))
    return pictures


def _curves(outcome: Outcome) -> "Figure":
    """A panel a kind of network, as in figure 6; one for all where each kind has but one network."""
    kinds = _kinds(outcome.records)
    if all(len(by_name(group)) == 1 for group in kinds.values()):
        kinds = {"": list(outcome.records)}
    figure = new_figure(max(8, 5.5 * len(kinds)), 5)
    row = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for axes, (kind, group) in zip(row, kinds.items(), strict=True):
        error_curves(axes, group)
        _mark_source(axes, group)
        axes.set_title(kind, fontsize=10)
        axes.legend(fontsize=7)
    return figure


def _mark_source(axes: "Axes", records: Sequence[RunRecord]) -> None:
    """The source document's errors, at the epoch that they were published for."""
    for place, name in enumerate(by_name(records)):
        if name in SOURCE and len(records[0].epochs) == SOURCE_EPOCH:
            label = f"source document: {SOURCE[name]:.2f} %"
            axes.plot(SOURCE_EPOCH, SOURCE[name], "X", color=f"C{place}", ms=9, label=label)


def _by_depth(outcome: Outcome) -> "Figure":
    figure = new_figure(8, 5)
    axes = figure.subplots()
    for place, (kind, group) in enumerate(_kinds(outcome.records).items()):
        colour = f"C{place}"
        found = {_Label.of(records[0]).depth: _errors(records) for records in by_name(group).values()}
        axes.plot(list(found), [mean(errors) for errors in found.values()], color=colour, label=f"{kind}, mean")
        for depth, errors in found.items():
            axes.plot([depth] * len(errors), errors, ".", color=colour)
        published = {_Label.of(group[0]).depth: PAPER[name] for name, group in by_name(group).items() if name in PAPER}
        if published:
            axes.plot(
                *zip(*published.items(), strict=True), "o", mfc="none", color=colour, label=f"{kind}, the paper's"
            )
    axes.set_xlabel("layers")
    axes.set_ylabel("top-1 test error, last epoch (%)")
    axes.set_xticks(sorted({_Label.of(record).depth for record in outcome.records}))
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
    found: dict[str, list[LayerRow]] = {}
    for row in rows:
        if (row.measure, row.state) == (measure, state):
            found.setdefault(row.network, []).append(row)
    return {name: _mean_of([row.by_layer for row in group]) for name, group in found.items()}


def _mean_of(values: Sequence[LayerValues]) -> LayerValues:
    return LayerValues(values[0].names, np.mean([each.values for each in values], axis=0))


class _Label(NamedTuple):
    """`resnet56 (projection)` in two parts."""

    kind: str  # resnet (projection)
    depth: int

    @classmethod
    def of(cls, record: RunRecord) -> "_Label":
        family, depth, rest = re.split(r"(\d+)", record.name, maxsplit=1)
        return cls(f"{family}{rest}", int(depth))


def _kinds(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    kinds: dict[str, list[RunRecord]] = {}
    for record in records:
        kinds.setdefault(_Label.of(record).kind, []).append(record)
    return kinds


def _errors(records: Sequence[RunRecord]) -> list[float]:
    return [record.epochs[-1].test_error for record in records]
