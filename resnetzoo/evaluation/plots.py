"""Figures of a test: the reliability diagram and the confusion matrix."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from resnetzoo.errors import UsageError
from resnetzoo.evaluation.calibration import Calibration
from resnetzoo.utils.colours import OTHER_COLOURS, SHARES
from resnetzoo.utils.figures import check_figure_name, new_figure, save_figure
from resnetzoo.utils.text import encodable, printable, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BARS = OTHER_COLOURS[1]
_THINNEST = 0.5  # percent: the width of a bar whose bin has a single confidence, or hardly more
_MOST_NAMES = 20  # of classes, with which names and numbers in the cells are readable
_LONGEST = 24  # characters of a name


def plot_reliability(axes: "Axes", calibration: Calibration) -> None:
    """Draw the reliability diagram: accuracy over confidence in percent, with one bar per bin.

    The more images a bin has, the more opaque is its bar. On the dashed line, accuracy and confidence are equal.
    """
    most, ink = max(row.n for row in calibration.bins), axes.xaxis.label.get_color()
    for row in calibration.bins:
        shade = 0.25 + 0.75 * row.n / most
        left, width = row.low, row.high - row.low
        if width < _THINNEST:
            left, width = min(max((row.low + row.high - _THINNEST) / 2, 0), 100 - _THINNEST), _THINNEST
        axes.bar(left, row.accuracy, width, align="edge", color=_BARS, alpha=shade, ec="none")
        axes.plot([row.confidence], [row.accuracy], ".", color=ink, ms=4, clip_on=False)
    axes.plot([0, 100], [0, 100], "--", color=ink, lw=1)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_aspect("equal")
    axes.set_xlabel("confidence (%)")
    axes.set_ylabel("accuracy (%)")
    axes.set_title(f"expected calibration error {calibration.expected_error:.2f} points")


def plot_confusion(
    axes: "Axes", matrix: Tensor, classes: Sequence[str], predicted: Sequence[str] | None = None
) -> None:
    """Draw a confusion matrix: labels in rows, predictions in columns, shaded by the share of a label's images.

    With up to 20 classes, the cells show the numbers of images, and the axes the names of the classes.

    Args:
        axes: the axes to draw on.
        matrix: a result of `resnetzoo.metrics.confusion_matrix`.
        classes: the names of the labels.
        predicted: the names that the network has for its classes; None for the same names.

    Raises:
        UsageError: the number of names differs from the number of classes.
    """
    predicted = classes if predicted is None else predicted
    matrix = torch.as_tensor(matrix)
    for names in (classes, predicted):
        if len(names) != len(matrix):
            raise UsageError(f"the matrix has {len(matrix)} classes, but there are {len(names)} names")
    shares = matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1)
    axes.imshow(shares.numpy(), vmin=0, vmax=1, cmap=SHARES, interpolation="nearest")
    axes.grid(visible=False)
    if len(matrix) <= _MOST_NAMES:
        places = list(range(len(matrix)))
        axes.set_xticks(places, _ticks(predicted), rotation=90, parse_math=False)
        axes.set_yticks(places, _ticks(classes), parse_math=False)
        for row in places:
            for column in places:
                colour = "white" if shares[row, column] > 0.5 else "black"
                count = f"{int(matrix[row, column])}"
                axes.text(column, row, count, ha="center", va="center", color=colour, fontsize=7)
    else:
        axes.locator_params(integer=True)
    axes.set_title("test images by label and prediction")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("label")


def _ticks(names: Sequence[str]) -> list[str]:
    return [shortened(printable(name), _LONGEST) for name in names]


def save_test_figure(
    path: str | Path,
    calibration: Calibration,
    matrix: Tensor,
    classes: Sequence[str],
    title: str = "",
    predicted: Sequence[str] | None = None,
) -> None:
    """Draw the reliability diagram and the confusion matrix side by side into a file.

    Args:
        path: a name that ends in `.png`, `.svg` or `.pdf`.
        calibration: a result of `resnetzoo.metrics.calibration`.
        matrix: a result of `resnetzoo.metrics.confusion_matrix`.
        classes: the names of its rows.
        title: the title above both.
        predicted: the names of its columns; None for the same ones.

    Raises:
        UsageError: `path` has another ending, or the number of names differs from the number of classes.
        OutputError: the file cannot be written.
    """
    path = check_figure_name(path)
    with new_figure(11, 5.5) as figure:
        left, right = figure.subplots(1, 2)
        plot_reliability(left, calibration)
        plot_confusion(right, matrix, classes, predicted)
        figure.suptitle(encodable(title), ha="left", x=0.01, parse_math=False)
        save_figure(figure, path)
