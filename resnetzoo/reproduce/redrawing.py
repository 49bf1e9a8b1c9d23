"""Redraw the figures of a stored report from its `results.json`."""

from collections.abc import Sequence
from pathlib import Path

from resnetzoo.errors import UsageError
from resnetzoo.reproduce.report_figures import draw_panel, plots_of
from resnetzoo.reproduce.report_folder import RESULTS, write_pages
from resnetzoo.reproduce.stored_results import read_outcome
from resnetzoo.reproduce.targets import Target
from resnetzoo.utils.figures import LIGHT, Theme, check_figure_name
from resnetzoo.utils.paths import user_path


def redraw_report(folder: str | Path, target: Target | None = None) -> None:
    """Draw the figures of a report again and rewrite its pages; its results are not changed.

    Args:
        folder: folder of the report, with its `results.json`.
        target: what was reproduced, if it is not one of `TARGETS`.

    Raises:
        ResultsError: there are no results, or they are not those of a report.
        OutputError: `folder` cannot be written.
    """
    folder = user_path(folder)
    write_pages(read_outcome(folder / RESULTS, target), folder)


def draw_stored(
    path: str | Path,
    picture: str,
    folder: str | Path,
    *,
    theme: Theme = LIGHT,
    suffixes: Sequence[str] = (".svg",),
) -> list[str]:
    """Draw one figure of a stored report, each panel in separate files, for a page of any width.

    Args:
        path: path of the report's `results.json`.
        picture: `errors`, `depths`, `responses` or `gradients`.
        folder: where to write the files; they are named after the picture, with a number if it has several panels.
        theme: `LIGHT`, or `DARK` for a dark page.
        suffixes: suffixes of the files: `.svg`, `.png` or `.pdf`.

    Returns:
        The names of the files without their suffix, in the order of the panels.

    Raises:
        ResultsError: there are no results, or they are not those of a report.
        UsageError: the results are not sufficient for such a picture, or a suffix is not supported.
        OutputError: `folder` cannot be written.
    """
    for suffix in suffixes:
        check_figure_name(f"{picture}{suffix}")
    plots = {plot.stem: plot for plot in plots_of(read_outcome(path))}
    if picture not in plots:
        raise UsageError(f"{path} has no picture {picture!r}; it has {', '.join(plots) or 'none'}")
    panels = plots[picture].panels
    stems = [picture] if len(panels) == 1 else [f"{picture}-{number}" for number in range(1, len(panels) + 1)]
    for stem, panel in zip(stems, panels, strict=True):
        draw_panel(panel, [user_path(folder) / f"{stem}{suffix}" for suffix in suffixes], theme)
    return stems
