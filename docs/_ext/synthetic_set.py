"""The directive that draws what the synthetic set looks like."""

from io import StringIO

from docutils import nodes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import resnetzoo

_EACH = 4  # images of a class


def draw_synthetic_set() -> Figure:
    """The first training images of each class, a column a class."""
    images = resnetzoo.synthetic(train_images=500, test_images=1).train
    columns = len(images.classes)
    layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02)
    figure = Figure(figsize=(columns, _EACH + 0.3), layout=layout, facecolor="white")
    grid = figure.subplots(_EACH, columns)
    for label, name in enumerate(images.classes):
        grid[0, label].set_title(name, fontsize=11)
        chosen = images.images[images.labels == label][:_EACH]
        for axes, image in zip(grid[:, label], chosen, strict=True):
            axes.imshow(image.permute(1, 2, 0).numpy(), interpolation="nearest")
            axes.axis("off")
    return figure


class SyntheticPictures(SphinxDirective):
    """Some images of each class."""

    def run(self) -> list[nodes.Node]:
        drawn = StringIO()
        draw_synthetic_set().savefig(drawn, format="svg", metadata={"Date": None})
        picture = drawn.getvalue()
        picture = picture[picture.index("<svg") :]
        words = f"{_EACH} images of each class of the synthetic set, a column a class"
        frame = f'<div class="drawn" role="img" aria-label="{words}">{picture}</div>'
        return [nodes.raw("", frame, format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("synthetic-pictures", SyntheticPictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
