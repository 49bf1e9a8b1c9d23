"""A contact sheet: images with their predicted classes."""

import os
import textwrap
import warnings
from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from resnetzoo.data.image_reader import read_image
from resnetzoo.data.sample_depth import SampleDepthWarning
from resnetzoo.errors import ImageError, UsageError
from resnetzoo.inference.predictor import Prediction
from resnetzoo.utils.figures import check_figure_name, new_figure, save_figure
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.text import counted, kind_of, printable, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_TILES = 300  # a sheet of more would be longer than anybody scrolls
_MAX_CLASSES = 5  # per tile
_MAX_COLUMNS = 12  # with more images a sheet only grows downwards

# Inches.
_SIDE = 1.5  # of an image
_GAP = 0.18  # between tiles, and around all of them
_LINE = 0.2  # height of the line for a class or for the name of the file
_HEAD = 0.5  # height of the title
_MIN_WIDTH = 5.4  # so that a title has room

_HEAD_LETTERS = 11  # letters of a title per inch

_PIXELS = 300  # longer side that images are shrunk to, somewhat more than the pixels of a tile
_DPI = 150
_GREY, _RED, _BAR = "0.45", "#a02020", "#cfe0f2"


def save_sheet(predictions: Sequence[Prediction], path: str | Path, *, title: str = "") -> None:
    """Draw each image with its classes, their probabilities as bars, and the file's name; failures are crossed out.

    The parts of an image outside the square that the network sees are drawn pale. At most 300 images are
    drawn; if there are more, the sheet says so.

    Args:
        predictions: what `predict` returned; the files are read once more.
        path: a name that ends in `.png`, `.svg` or `.pdf`.
        title: the text above the images, such as `model_title(model)`.

    Raises:
        UsageError: `predictions` is empty or no list of predictions, or `path` has another suffix or is one of the
            images.
        OutputError: the file cannot be written.
    """
    _check_predictions(predictions)
    path = check_sheet_name(path)
    check_no_image(path, predictions)
    if not predictions:
        raise UsageError("a sheet needs at least one prediction")
    drawn = predictions[:MAX_TILES]
    lines = min(_MAX_CLASSES, max(len(prediction.classes) for prediction in drawn)) + 1
    width, height = _SIDE + _GAP, _SIDE + lines * _LINE + _GAP  # of a tile and the gap after it
    columns = min(len(drawn), _MAX_COLUMNS, max(4, round(sqrt(len(drawn) * 1.2 * height / width))))
    rows = ceil(len(drawn) / columns)
    inches = max(columns * width, _MIN_WIDTH) + _GAP, rows * height + _HEAD + _GAP
    with new_figure(*inches) as figure, warnings.catch_warnings():
        warnings.simplefilter("ignore", SampleDepthWarning)  # `predict` has warned about each file
        axes = _empty_sheet(figure)
        for index, prediction in enumerate(drawn):
            row, column = divmod(index, columns)
            _draw_tile(axes, prediction, _GAP + column * width, _HEAD + row * height)
        heading = shortened(printable(title), int(inches[0] * _HEAD_LETTERS))
        axes.text(_GAP, 0.2, heading, fontsize=10, weight="bold", va="center", parse_math=False)
        axes.text(_GAP, 0.38, _counted(len(drawn), len(predictions)), fontsize=8, color=_GREY, va="center")
        axes.set(xlim=(0, inches[0]), ylim=(inches[1], 0), aspect="auto")
        save_figure(figure, path)


def _check_predictions(predictions: object) -> None:
    """Refuse anything but a list or a tuple of predictions, such as a single one."""
    found = kind_of(predictions)
    if isinstance(predictions, Sequence) and not isinstance(predictions, str):
        others = [one for one in predictions if not isinstance(one, Prediction)]
        if not others:
            return
        found += f" with {kind_of(others[0])} in it"
    raise UsageError(
        f"predictions must be a list of them, as predict returns it, not {found}: pass a single one as [prediction]"
    )


def check_sheet_name(path: str | Path) -> Path:
    """Refuse a file name with a suffix that `save_sheet` cannot write, before anything is drawn.

    Raises:
        UsageError: the suffix is another one; the message lists those that can be written.
    """
    return check_figure_name(path)


def check_no_image(path: str | Path, predictions: Sequence[Prediction]) -> None:
    """Refuse a sheet that would overwrite one of the images.

    Raises:
        UsageError: `path` is one of them; the message names it.
    """
    path = user_path(path)
    paths = [prediction.path for prediction in predictions]
    there = [image for image in paths if os.path.exists(image)]  # noqa: PTH110 (never raises an error)
    if path.exists() and any(path.samefile(image) for image in there):
        raise UsageError(f"{printable(path)} is one of the images: choose another name for the sheet")


def _counted(drawn: int, all_of_them: int) -> str:
    images = counted(all_of_them, "image")
    return images if drawn == all_of_them else f"the first {drawn:,} of {images}"


def _empty_sheet(figure: "Figure") -> "Axes":
    """Axes without a frame over the whole figure, for images whose places are already computed."""
    figure.set_layout_engine("none")
    figure.set_dpi(_DPI)
    figure.suppressComposite = True  # keeps the images separate in an SVG
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return axes


def _draw_tile(axes: "Axes", prediction: Prediction, left: float, top: float) -> None:
    """Draw one image and the lines of text below it; lengths are in inches, from the upper left corner."""
    below = top + _SIDE
    error = prediction.error
    if error is None:
        try:
            _draw_image(axes, prediction.path, left, top)
        except ImageError as failure:  # for example because it was deleted in the meantime
            error = failure.reason
    if error is not None:
        _draw_failure(axes, error, left, top)
    named = list(zip(prediction.classes, prediction.probabilities, strict=True))
    for index, (name, value) in enumerate(named[:_MAX_CLASSES]):
        middle = below + (index + 0.6) * _LINE
        axes.barh(middle, value * _SIDE, height=0.8 * _LINE, left=left, color=_BAR)
        weight = "bold" if index == 0 else "normal"
        axes.text(
            left + 0.04,
            middle,
            shortened(printable(name), 16),
            fontsize=8,
            weight=weight,
            va="center",
            parse_math=False,
        )
        axes.text(left + _SIDE - 0.03, middle, f"{100 * value:.1f} %", fontsize=7, ha="right", va="center")
    line = below + (min(len(prediction.classes), _MAX_CLASSES) + 0.6) * _LINE
    name = shortened(printable(prediction.path.name), 24)
    axes.text(left + 0.04, line, name, fontsize=6.5, color=_GREY, va="center", parse_math=False)


def _draw_image(axes: "Axes", path: Path, left: float, top: float) -> None:
    """Draw the whole image in its square, a small one with large pixels, and make pale what is cropped away."""
    image = read_image(path, "RGB")
    image.thumbnail((_PIXELS, _PIXELS))
    scale = _SIDE / max(image.size)
    width, height = (pixels * scale for pixels in image.size)
    x, y = left + (_SIDE - width) / 2, top + (_SIDE - height) / 2
    smooth = "nearest" if max(image.size) < _PIXELS else "antialiased"
    axes.imshow(image, extent=(x, x + width, y + height, y), aspect="auto", interpolation=smooth)
    side = min(width, height)
    for start, end in ((0, (width - side) / 2), ((width + side) / 2, width)):
        axes.fill((x + start, x + end, x + end, x + start), (y, y, y + height, y + height), "white", alpha=0.6, lw=0)
    for start, end in ((0, (height - side) / 2), ((height + side) / 2, height)):
        axes.fill((x, x + width, x + width, x), (y + start, y + start, y + end, y + end), "white", alpha=0.6, lw=0)


def _draw_failure(axes: "Axes", error: str, left: float, top: float) -> None:
    right, bottom = left + _SIDE, top + _SIDE
    axes.fill((left, right, right, left), (top, top, bottom, bottom), "0.96", edgecolor="0.8", lw=0.8)
    axes.plot((left, right), (top, bottom), color="0.8", lw=0.8)
    axes.plot((left, right), (bottom, top), color="0.8", lw=0.8)
    reason = "\n".join(textwrap.wrap(printable(error), 22, max_lines=6, placeholder=" ..."))
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 2}
    middle = (left + right) / 2, (top + bottom) / 2
    axes.text(*middle, reason, fontsize=7, color=_RED, ha="center", va="center", bbox=box, parse_math=False)
