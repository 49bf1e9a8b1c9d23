"""Empty figures and their files. matplotlib is imported where a picture is drawn, and nowhere else."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from resnetzoo.utils.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> "Figure":
    """A figure of this many inches that no window shows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: "Figure", *paths: Path) -> None:
    """Write the figure to each path, as PNG or SVG by its suffix.

    Raises:
        OutputError: a path cannot be written.
    """
    for path in paths:
        picture = io.BytesIO()
        figure.savefig(picture, format=path.suffix[1:], dpi=150)
        write_atomically(path, picture.getvalue())
