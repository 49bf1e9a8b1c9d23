"""The directive that shows the training and test errors of one committed result, network by network."""

from statistics import mean

from docutils import nodes
from generated import RESULTS, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnetzoo import RunRecord, read_records


def final_errors(result: str) -> dict[str, tuple[float, float, int]]:
    """By network, the mean training and test error in percent after the last epoch, and the number of runs."""
    groups: dict[str, list[RunRecord]] = {}
    for record in read_records(RESULTS / result / "results.json"):
        groups.setdefault(record.name, []).append(record)
    return {
        name: (
            mean(run.epochs[-1].train_error for run in runs),
            mean(run.epochs[-1].test_error for run in runs),
            len(runs),
        )
        for name, runs in groups.items()
    }


class FinalErrors(SphinxDirective):
    """`RESULT`: the errors after the last epoch."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        rows = [
            (name, f"{train:.2f}", f"{test:.2f}", str(count))
            for name, (train, test, count) in final_errors(self.arguments[0]).items()
        ]
        return [table(("network", "training error (%)", "test error (%)", "runs"), rows)]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("final-errors", FinalErrors)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
