"""Errors by epoch as curves, in a figure of their own or on axes that are given."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from textwrap import fill
from typing import TYPE_CHECKING

from resnetzoo.reproduce.comparison import by_name, measured_on, provenance_line
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.figures import new_figure, save_figure
from resnetzoo.utils.paths import user_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def error_curves(axes: "Axes", runs: Sequence[RunRecord]) -> None:
    """Error by epoch as in figure 6 of arXiv:1512.03385: bold for test, dashed for training, a colour a network.

    With several seeds the lines are means, and the range of the test errors is shaded.
    """
    for index, (name, group) in enumerate(by_name(runs).items()):
        color = f"C{index}"
        epochs = [row.epoch for row in group[0].epochs]
        tests = list(zip(*([row.test_error for row in run.epochs] for run in group), strict=True))
        trains = list(zip(*([row.train_error for row in run.epochs] for run in group), strict=True))
        last = mean(tests[-1])
        seeds = f", mean of {len(group)} seeds" if len(group) > 1 else ""
        axes.plot(epochs, [mean(values) for values in tests], color, lw=2.4, label=f"{name} test: {last:.2f} %{seeds}")
        axes.plot(epochs, [mean(values) for values in trains], color, lw=1.2, ls="--", label=f"{name} training")
        if len(group) > 1:
            lows, highs = [min(values) for values in tests], [max(values) for values in tests]
            axes.fill_between(epochs, lows, highs, color=color, alpha=0.15, lw=0)
    axes.set_xlabel("epoch")
    axes.set_ylabel("top-1 error (%)")
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", integer=True)
    axes.grid(alpha=0.3)


def published_curve(axes: "Axes", errors: Mapping[int, float], *, name: str, color: str) -> None:
    """A dotted line: the test error in percent, by epoch, that somebody published."""
    last = errors[max(errors)]
    axes.plot(list(errors), list(errors.values()), color=color, ls=":", lw=1.8, label=f"{name}: {last:.2f} %")


def note_provenance(figure: "Figure", runs: Sequence[RunRecord]) -> None:
    """How the figures were made, at the foot of the picture, in as many lines as its width asks for."""
    line = fill(provenance_line(runs), width=int(20 * figure.get_figwidth()))  # 20 characters of this size an inch
    figure.supxlabel(line, fontsize=6, color="0.4")


def save_comparison(
    runs: Sequence[RunRecord], path: str | Path, *, title: str, source: Mapping[str, float | Mapping[int, float]]
) -> None:
    """Draw `error_curves` into a PNG, with a dotted line for each published error of `source`.

    Args:
        runs: one or more of each network.
        path: of the PNG.
        title: above the picture.
        source: name -> error in percent, of the last epoch or by epoch, in the order of the runs' networks, whose
            colours they get.

    Raises:
        OutputError: `path` cannot be written.
    """
    figure = new_figure(8, 5)
    axes = figure.subplots()
    error_curves(axes, runs)
    for index, (name, published) in enumerate(source.items()):
        if isinstance(published, Mapping):
            published_curve(axes, published, name=name, color=f"C{index}")
        else:
            axes.axhline(published, color=f"C{index}", ls=":", lw=1.5, label=f"{name}: {published:.2f} %")
    axes.set_title(f"{title}\n{measured_on(runs)}", fontsize=11)
    note_provenance(figure, runs)
    axes.legend(fontsize=9)
    save_figure(figure, user_path(path))
