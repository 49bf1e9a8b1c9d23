"""The directive that shows what the stored logits of the packaged weights tell beyond the error."""

from docutils import nodes
from generated import table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import resnetzoo
from resnetzoo import metrics

HEADER = ("weights", "top-1 (%)", "top-5 (%)", "NLL", "Brier", "ECE", "temperature", "NLL at it", "ECE at it")


class PackagedMeasures(SphinxDirective):
    """All packaged weights, each with its measures on the test images of CIFAR-10."""

    def run(self) -> list[nodes.Node]:
        names = [row.name for row in resnetzoo.list_weights() if row.packaged]
        return [table(HEADER, [measures_of(name) for name in names])]


def measures_of(name: str) -> tuple[str, ...]:
    """The cells of one row of the table, which its `HEADER` names."""
    stored = resnetzoo.load_logits(name)
    found = metrics.measure(stored.logits, stored.labels)
    scaling = found["temperature"]
    return (
        name,
        f"{found['top1_error']:.2f}",
        f"{found['top5_error']:.2f}",
        f"{found['nll']:.3f}",
        f"{found['brier']:.3f}",
        f"{found['ece']:.2f}",
        f"{scaling.temperature:.2f}",
        f"{scaling.nll_after:.3f}",
        f"{scaling.ece_after:.2f}",
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("packaged-measures", PackagedMeasures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
