"""The directive that shows what a stored run printed, for pages that cannot train that long themselves."""

from docutils import nodes
from generated import RESULTS
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnetzoo import EpochRow, RunRecord, read_records

_SHOWN = 2  # epochs at either end


class StoredRun(SphinxDirective):
    """`RESULT NETWORK SEED`: the first and last epochs of a committed run, as its terminal showed them."""

    required_arguments = 3

    def run(self) -> list[nodes.Node]:
        folder, name, seed = self.arguments
        records = read_records(RESULTS / folder / "results.json")
        record = next(run for run in records if run.name == name and run.seed == int(seed))
        lines = [_line(record, row) for row in record.epochs]
        if len(lines) > 2 * _SHOWN:
            lines[_SHOWN:-_SHOWN] = ["..."]
        return [nodes.literal_block("", "\n".join(lines), language="text", classes=["output"])]


def _line(record: RunRecord, row: EpochRow) -> str:
    return (
        f"{record.name}  epoch {row.epoch:>3}/{len(record.epochs)}  train loss {row.train_loss:.4f} error "
        f"{row.train_error:5.2f} %  test error {row.test_error:5.2f} %  lr {row.lr:.4f}"
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("stored-run", StoredRun)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
