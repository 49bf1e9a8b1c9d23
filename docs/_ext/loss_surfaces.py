"""The directive that draws the stored loss surfaces side by side."""

import json
from io import StringIO

import numpy as np
from docutils import nodes
from generated import RESULTS
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnetzoo import analysis

STORED = RESULTS / "loss_surfaces.json"


def read_surfaces() -> dict[str, analysis.Surface]:
    """By network; losses on the first 100 test images of CIFAR-10, in nats."""
    stored = json.loads(STORED.read_text())
    return {
        name: analysis.Surface(**{axis: np.array(values) for axis, values in surface.items()})
        for name, surface in stored.items()
    }


class LossSurfaces(SphinxDirective):
    """All stored surfaces, in one picture."""

    def run(self) -> list[nodes.Node]:
        surfaces = read_surfaces()
        figure = Figure(figsize=(5 * len(surfaces), 5), layout="constrained")
        for axes, (name, surface) in zip(figure.subplots(1, len(surfaces)), surfaces.items(), strict=True):
            analysis.plot_loss_surface(axes, surface)
            axes.set_title(name)
        drawn = StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
        picture = drawn.getvalue()
        picture = picture[picture.index("<svg") :]
        words = "Contours of the loss around the weights of " + " and ".join(surfaces)
        frame = f'<div class="drawn" role="img" aria-label="{words}">{picture}</div>'
        return [nodes.raw("", frame, format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("loss-surfaces", LossSurfaces)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
