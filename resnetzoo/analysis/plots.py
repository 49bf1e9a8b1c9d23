"""Plots of the measurements, drawn onto given axes. matplotlib is imported only when a plot is drawn."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resnetzoo.analysis.moments import LayerValues
from resnetzoo.analysis.similarity import Similarity
from resnetzoo.analysis.surface import Surface
from resnetzoo.models.looks import looks_of
from resnetzoo.utils.colours import SHADES
from resnetzoo.utils.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

_MAX_TICKS = 12  # names that fit along a side
_LEVELS = 12  # contours of the loss, including the lowest and the highest


def plot_response_std(axes: "Axes", curves: Mapping[str, LayerValues]) -> None:
    """Plot standard deviations of responses over layers (figure 7 of arXiv:1512.03385); one line per network, by key.

    Curves of `values.sorted()` reproduce that figure's lower panel.
    """
    _lines(axes, curves)
    axes.set_xlabel("layer index (3x3 convolutions)")
    axes.set_ylabel("standard deviation of the response")
    axes.set_ylim(bottom=0)


def plot_gradient_norms(axes: "Axes", curves: Mapping[str, LayerValues]) -> None:
    """Plot norms of gradients over layers on a logarithmic axis; one line per network, named by its key."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    _lines(axes, curves)
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("layer index (convolutions and classifier)")
    axes.set_ylabel("gradient norm (nats per unit of weight)")


def plot_shortcut_share(axes: "Axes", curves: Mapping[str, LayerValues]) -> None:
    """Plot shares of shortcuts over blocks, from 0 to 1; one line per network, named by its key."""
    _lines(axes, curves)
    axes.set_xlabel("block index")
    axes.set_ylabel("share of the shortcut in sums of squares")
    axes.set_ylim(0, 1)


def plot_cka(axes: "Axes", similarity: Similarity) -> "AxesImage":
    """Draw similarities as an image, dark for 0 and bright for 1, with the first layers in the lower left corner.

    Returns the image, so that `axes.figure.colorbar(image)` can add the scale.
    """
    picture = axes.imshow(
        similarity.values, vmin=0, vmax=1, cmap=SHADES, origin="lower", aspect="auto", interpolation="nearest"
    )
    axes.grid(visible=False)
    columns, rows = _some_of(similarity.columns), _some_of(similarity.rows)
    axes.set_xticks(columns, [printable(similarity.columns[index]) for index in columns], rotation=90)
    axes.set_yticks(rows, [printable(similarity.rows[index]) for index in rows])
    axes.set_xlabel("stem and blocks of the second network")
    axes.set_ylabel("stem and blocks of the first network")
    return picture


def plot_loss_surface(axes: "Axes", surface: Surface) -> None:
    """Draw losses in nats as shades and labeled contours, each a constant factor above the previous one.

    A cross marks the network. Losses that are not finite, or that are below a millionth of the highest, have no
    contours.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patheffects import withStroke

    finite = surface.losses[np.isfinite(surface.losses)]
    if finite.size and finite.min() < finite.max():
        lowest = max(finite.min(), 1e-6 * finite.max())
        levels = np.unique(np.geomspace(lowest, finite.max(), _LEVELS))
        axes.imshow(
            np.clip(surface.losses, lowest, None).T,
            norm=LogNorm(lowest, finite.max()),
            cmap=SHADES,
            interpolation="bilinear",
            origin="lower",
            extent=(*_around(surface.first), *_around(surface.second)),
        )
        lines = axes.contour(
            surface.first, surface.second, surface.losses.T, levels=levels, colors="white", linewidths=0.8
        )
        for text in axes.clabel(lines, fmt="%.2g", fontsize=8, colors="white"):
            text.set_path_effects([withStroke(linewidth=2, foreground="#1b1c1e")])
    axes.plot(0, 0, "+", color="white", mew=1.6)
    axes.grid(visible=False)
    axes.set_xlim(surface.first[0], surface.first[-1])
    axes.set_ylim(surface.second[0], surface.second[-1])
    axes.set_aspect("equal")
    axes.set_xlabel("first direction (norms of the filters)")
    axes.set_ylabel("second direction (norms of the filters)")


def _lines(axes: "Axes", curves: Mapping[str, LayerValues]) -> None:
    from matplotlib.ticker import MaxNLocator

    looks = looks_of(curves)
    for name, curve in curves.items():
        look, places = looks[name], np.arange(1, len(curve.values) + 1)
        axes.plot(
            places,
            curve.values,
            color=look.color,
            ls=look.linestyle,
            marker=look.marker,
            ms=2.5,
            lw=1.4,
            label=printable(name),
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.2)  # room for the legend
    axes.legend(fontsize=8, ncols=2)


def _around(steps: NDArray[np.float64]) -> tuple[float, float]:
    """Half a step before the first of evenly spaced places and half a step after the last."""
    half = (steps[1] - steps[0]) / 2
    return float(steps[0] - half), float(steps[-1] + half)


def _some_of(names: tuple[str, ...]) -> list[int]:
    """The indices of at most `_MAX_TICKS` names, evenly spaced from the first."""
    return list(range(0, len(names), -(-len(names) // _MAX_TICKS)))
