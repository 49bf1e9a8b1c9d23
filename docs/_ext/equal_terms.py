"""The directive that shows our networks beside a peer's in the same precision, each eager and compiled."""

import json
from typing import Any

from docutils import nodes
from generated import DOCS, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RECORDS = DOCS.parent / "benchmarks" / "equal_terms"
HEADER = ("race", "who", "images/s", "times the eager peer")


class EqualTerms(SphinxDirective):
    """One table for each committed record of `benchmarks/equal_terms.py`."""

    def run(self) -> list[nodes.Node]:
        found: list[nodes.Node] = []
        for path in sorted(RECORDS.glob("*.json")):
            record = json.loads(path.read_text())
            found += [table(HEADER, rows_of(record), first_number=2), nodes.paragraph("", facts_of(record))]
        return found


def rows_of(record: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row for each candidate of each race."""
    return [
        (row["work"], row["name"], f"{row['images_per_second']:,.1f}", f"{row['ratio']:.2f}") for row in record["rows"]
    ]


def facts_of(record: dict[str, Any]) -> str:
    """Where and with what it was measured, and what else the machine ran."""
    libraries = ("torch", "torchvision", "pytorchcv")
    threads = f"{record['threads']} thread{'s' if record['threads'] > 1 else ''}"
    versions = ", ".join(f"{name} {record['versions'][name]}" for name in libraries if name in record["versions"])
    return (
        f"{record['processor'] or record['device']}, {threads}, {record['precision']}, median of "
        f"{record['rounds']} rounds, beside {record['beside']}; {versions}, commit {(record['commit'] or '-')[:12]}, "
        f"{record['recorded'][:10]}."
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("equal-terms", EqualTerms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
