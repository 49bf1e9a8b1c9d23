"""Directives for published errors: row by row, and at the paper's depths beside ours."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass

from docutils import nodes
from generated import full_records, mean_and_std, percent, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import resnetzoo
from resnetzoo.reproduce import PEERS, PUBLISHED

DEPTHS = (20, 32, 44, 56, 110, 1202)


class PublishedTable(SphinxDirective):
    """The errors that the papers report, row by row, with the number of runs behind each."""

    def run(self) -> list[nodes.Node]:
        rows = []
        for row in PUBLISHED:
            name = f"{row.network}, {row.variant}" if row.variant else row.network
            rows.append((name, percent(row.cifar10), percent(row.cifar100), row.protocol, row.source))
        return [table(("network", "CIFAR-10 (%)", "CIFAR-100 (%)", "runs", "source"), rows)]


@dataclass(frozen=True)
class Reported:
    """An error on CIFAR-10 and the protocol behind it, each as the text of a table cell."""

    source: str
    error: str
    epochs: str
    kept: str
    runs: str
    shortcuts: str


class PublishedBesideOurs(SphinxDirective):
    """The published errors of the networks of one family, and ours, each with its protocol."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        family = self.arguments[0]
        rows = []
        for depth in DEPTHS:
            found = sorted(reported(f"{family}{depth}"), key=lambda one: float(one.error.split()[0]))
            rows += [(str(depth), *astuple(one)) for one in found]
        header = ("layers", "whose", "test error (%)", "epochs", "epoch reported", "runs", "shortcuts")
        return [table(header, rows, first_number=9)]


def reported(name: str) -> list[Reported]:
    """The errors that others report for a network, in the order of `PUBLISHED` and `PEERS`, and then our own."""
    return [*_published(name), *_ours(name)]


def _published(name: str) -> Iterator[Reported]:
    for row in (*PUBLISHED, *PEERS):
        network, _, shortcut = row.network.partition(" ")
        if network == name and not row.variant:
            epochs = "not said" if row.epochs is None else str(row.epochs)
            shortcuts = _shortcuts(name, shortcut.strip("()"))
            yield Reported(row.source, f"{row.cifar10:.2f}", epochs, row.kept, row.protocol, shortcuts)


def _ours(name: str) -> Iterator[Reported]:
    errors: dict[tuple[str, str], dict[int, float]] = {}
    for record in full_records():
        if record.name == name and len(record.epochs) > 1:  # one epoch is to be repeated, and not compared
            group = errors.setdefault((record.recipe.name, str(record.epochs[-1].epoch)), {})
            group[record.seed] = record.epochs[-1].test_error
    for (recipe, epochs), found in errors.items():
        values = list(found.values())
        runs = f"mean of {len(values)}" if len(values) > 1 else "one"
        yield Reported(f"this package, {recipe}", mean_and_std(values), epochs, "last", runs, _shortcuts(name))


def _shortcuts(name: str, named: str = "") -> str:
    spec = resnetzoo.get_spec(name)
    return named or spec.shortcut if spec.has_shortcuts else "-"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("published-table", PublishedTable)
    app.add_directive("published-beside-ours", PublishedBesideOurs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
