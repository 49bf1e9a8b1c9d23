"""Directives about the synthetic dataset: its images, and the comparison that was trained on it."""

from io import StringIO
from pathlib import Path

from docutils import nodes
from generated import RESULTS, downloads, mean_and_std, table
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from result_figures import themed_images
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import resnetzoo
from resnetzoo import plots, report

STORED = RESULTS / "examples" / "cifar_compare"
_EACH = 4  # images of a class


def draw_synthetic_set() -> Figure:
    """The first training images of each class, one column per class."""
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
        words = f"{_EACH} images of each class of the synthetic dataset, a column a class"
        frame = f'<div class="drawn" role="img" aria-label="{words}">{picture}</div>'
        return [nodes.raw("", frame, format="html")]


class SyntheticComparison(SphinxDirective):
    """The stored runs of `examples/cifar_compare.py` on this dataset: each seed's error, their mean and spread."""

    def run(self) -> list[nodes.Node]:
        records = resnetzoo.read_records(STORED / "results.json")
        seeds = sorted({record.seed for record in records})
        rows = []
        for name, group in report.by_name(records).items():
            errors = {record.seed: record.epochs[-1].test_error for record in group}
            rows.append((name, *(f"{errors[seed]:.2f}" for seed in seeds), mean_and_std(list(errors.values()))))
        header = ("test error (%)", *(f"seed {seed}" for seed in seeds), "mean ± std")
        words = "Error by epoch of plainnet20 and resnet20 on the synthetic dataset, mean and range over five seeds"
        return [
            *themed_images(self.env, "synthetic-comparison", [words], draw_comparison),
            table(header, rows),
            nodes.paragraph("", f"{report.provenance_line(records)}."),
            nodes.paragraph("", "Files: ", *downloads(STORED, ".json", ".csv")),
        ]


def draw_comparison(folder: Path, theme: plots.Theme) -> list[str]:
    """One SVG file: the errors of the stored runs by epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    with plots.styled(theme):
        figure = Figure(figsize=(5.6, 3.6), layout="constrained")
        axes = figure.subplots()
        plots.error_curves(axes, resnetzoo.read_records(STORED / "results.json"))
        axes.legend()
        figure.savefig(folder / "errors.svg", metadata={"Date": None})
    return ["errors"]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("synthetic-pictures", SyntheticPictures)
    app.add_directive("synthetic-comparison", SyntheticComparison)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
