"""The directive that draws a picture of a committed result for light and for dark pages, with one file per panel."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from generated import RESULTS
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from resnetzoo import plots

THEMES = {"light": plots.LIGHT, "dark": plots.DARK}


def themed_images(
    env: BuildEnvironment, name: str, alts: Sequence[str], draw: Callable[[Path, plots.Theme], list[str]]
) -> list[nodes.Node]:
    """Images for light and dark pages, of which a page shows those of its theme, side by side if there is room.

    Args:
        env: environment of the build.
        name: name of a folder for the files.
        alts: what each picture shows.
        draw: function that writes SVG files into a folder and returns their names without suffix.

    Raises:
        ExtensionError: there are more or fewer pictures than texts.
    """
    frame = nodes.container("", classes=["side-by-side", "themed"])
    for theme, colours in THEMES.items():
        folder = Path(env.doctreedir) / "figures" / f"{name}-{theme}"
        stems = draw(folder, colours)
        if len(stems) != len(alts):
            raise ExtensionError(f"{name} has {len(stems)} pictures, but alt describes {len(alts)}: {' | '.join(alts)}")
        for stem, alt in zip(stems, alts, strict=True):
            # From the root of the pages, since a path of the machine would be read from there too.
            address = f"/{os.path.relpath(folder / f'{stem}.svg', env.srcdir)}"
            frame += nodes.image("", uri=address, alt=alt, classes=[f"only-{theme}"])
    return [frame]


class ResultFigure(SphinxDirective):
    """`RESULT PICTURE`: `errors`, `depths`, `responses` or `gradients` of a result, drawn from its records.

    In `alt`, the descriptions of several panels are separated by " | ".
    """

    required_arguments = 2
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012 (docutils reads it so)

    def run(self) -> list[nodes.Node]:
        result, picture = self.arguments

        def draw(folder: Path, theme: plots.Theme) -> list[str]:
            return plots.draw_stored(RESULTS / result / "results.json", picture, folder, theme=theme)

        return themed_images(self.env, f"{result}-{picture}", self.options["alt"].split(" | "), draw)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("result-figure", ResultFigure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
