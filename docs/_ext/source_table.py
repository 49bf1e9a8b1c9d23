"""The directive that shows the source document's accuracies beside ours, epoch by epoch."""

from pathlib import Path

from docutils import nodes
from generated import RESULTS, mean_and_std, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnetzoo import read_records
from resnetzoo.report import by_name
from resnetzoo.reproduce import SOURCE_ACCURACIES


class SourceTable(SphinxDirective):
    """Top-1 test accuracy after each epoch, of each network of the source and of ours in one committed result."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        groups = by_name(read_records(Path(RESULTS) / self.arguments[0] / "results.json"))
        columns: dict[str, list[str]] = {}
        for name, accuracies in SOURCE_ACCURACIES.items():
            by_epoch = zip(*(run.epochs for run in groups[name]), strict=True)
            ours = [[100 - row.test_error for row in rows] for rows in by_epoch]
            columns[f"source, beside {name}"] = [f"{accuracy:.2f}" for accuracy in accuracies]
            columns[f"{name} (n={len(groups[name])})"] = [mean_and_std(cell) for cell in ours]
        epochs = [str(number) for number in range(1, len(next(iter(columns.values()))) + 1)]
        rows = list(zip(epochs, *columns.values(), strict=True))
        return [table(("epoch", *columns), rows, first_number=0)]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("source-table", SourceTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
