"""The directives that compare libraries: their features, with a link to each source, and their errors."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from generated import table
from published_tables import DEPTHS, Reported, reported
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

STORED = Path(__file__).resolve().parent.parent / "libraries.json"


@dataclass(frozen=True)
class Library:
    """A library at the commit where it was read (None for ours): by feature, what it has and the source of that."""

    name: str
    address: str
    commit: str | None
    date: str | None
    cells: dict[str, dict[str, str]]


def read_features() -> dict[str, str]:
    """The heading of each column, by key."""
    return json.loads(STORED.read_text())["features"]


def read_libraries() -> list[Library]:
    """The libraries in the order of the table; ours comes first."""
    return [Library(**row) for row in json.loads(STORED.read_text())["libraries"]]


class FeatureTable(SphinxDirective):
    """One row per library, one column per feature."""

    def run(self) -> list[nodes.Node]:
        features = read_features()
        libraries = read_libraries()
        rows = [(one.name, *(one.cells[key]["value"] for key in features)) for one in libraries]
        found = table(("library", *features.values()), rows, first_number=99)
        for row, one in zip(found.findall(nodes.row), [None, *libraries], strict=True):
            if one:
                sources = (one.address, *(one.cells[key]["source"] for key in features))
                for entry, source in zip(row, sources, strict=True):
                    _link(entry, source)
        return [found]


def _link(entry: nodes.entry, source: str) -> None:
    """Make a cell's words a link: to a page of the site if the source begins with a slash, otherwise to an address."""
    words = entry.astext()
    paragraph = entry[0]
    paragraph.clear()
    if source.startswith("/"):
        paragraph += addnodes.pending_xref(
            "", nodes.inline("", words), refdomain="std", reftype="doc", reftarget=source, refexplicit=True
        )
    else:
        paragraph += nodes.reference("", words, refuri=source)


class ErrorsByDepth(SphinxDirective):
    """One row per source of residual networks, with its errors at the paper's depths and how they were measured."""

    def run(self) -> list[nodes.Node]:
        groups: dict[tuple[str, ...], dict[int, Reported]] = {}
        for depth in DEPTHS:
            for one in reported(f"resnet{depth}"):
                groups.setdefault((one.source, one.shortcuts, one.epochs, one.kept), {})[depth] = one
        rows = []
        for (source, shortcuts, epochs, kept), found in groups.items():
            # A line may end before the sign, not behind it.
            cells = [
                found[depth].error.replace("± ", "±\N{NO-BREAK SPACE}") if depth in found else "-" for depth in DEPTHS
            ]
            rows.append((source, *cells, shortcuts, epochs, kept, _runs(list(found.items()))))
        header = ("source", *(str(depth) for depth in DEPTHS), "shortcuts", "epochs", "epoch reported", "runs")
        return [table(header, rows, last_number=len(DEPTHS))]


def _runs(found: Sequence[tuple[int, Reported]]) -> str:
    """The number of runs behind each figure; listed by depth if it differs."""
    protocols = {one.runs for _, one in found}
    if len(protocols) == 1:
        return protocols.pop()
    said = [f"{depth}: {one.runs}" for depth, one in found if one.runs != "not said"]
    return "; ".join(said if len(said) == len(found) else [*said, "others: not said"])


class LibrariesRead(SphinxDirective):
    """The commit at which each library was read."""

    def run(self) -> list[nodes.Node]:
        rows = [(one.name, one.commit[:12], one.date or "-") for one in read_libraries() if one.commit]
        return [table(("library", "commit", "of"), rows, first_number=99)]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("feature-table", FeatureTable)
    app.add_directive("errors-by-depth", ErrorsByDepth)
    app.add_directive("libraries-read", LibrariesRead)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
