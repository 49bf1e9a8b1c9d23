"""The directive that draws the stored loss surfaces side by side, for light and for dark pages."""

import json
from pathlib import Path

import numpy as np
from docutils import nodes
from generated import RESULTS
from matplotlib.figure import Figure
from result_figures import themed_images
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnetzoo import analysis, plots

STORED = RESULTS / "loss_surfaces.json"


def read_surfaces() -> dict[str, analysis.Surface]:
    """The stored surfaces by network: losses on the first 100 test images of CIFAR-10, in nats."""
    stored = json.loads(STORED.read_text())
    return {
        name: analysis.Surface(**{axis: np.array(values) for axis, values in surface.items()})
        for name, surface in stored.items()
    }


class LossSurfaces(SphinxDirective):
    """All stored surfaces, one picture each."""

    def run(self) -> list[nodes.Node]:
        words = [f"Contours of the loss around the weights of {name}" for name in read_surfaces()]
        return themed_images(self.env, "loss-surfaces", words, draw_surfaces)


def draw_surfaces(folder: Path, theme: plots.Theme) -> list[str]:
    """Draw one SVG file per network, and return their names without suffix, which are those of the networks."""
    folder.mkdir(parents=True, exist_ok=True)
    surfaces = read_surfaces()
    for name, surface in surfaces.items():
        with plots.styled(theme):
            figure = Figure(figsize=(4.2, 4.2), layout="constrained")
            axes = figure.subplots()
            analysis.plot_loss_surface(axes, surface)
            axes.set_title(f"{name}: loss (nats)")
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    return list(surfaces)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("loss-surfaces", LossSurfaces)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
