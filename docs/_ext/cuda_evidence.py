"""The directive that shows what was measured on CUDA, or, as long as nothing was, its own content."""

import json
from typing import Any

from docutils import nodes
from generated import RESULTS, downloads, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

EVIDENCE = RESULTS / "cuda" / "evidence.json"
HEADER = ("what", "measured", "goal")


class CudaEvidence(SphinxDirective):
    """The goals of `benchmarks/cuda` beside the committed figures; without such a file, what the page says instead."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        if not EVIDENCE.exists():
            return self.parse_content_to_nodes()
        evidence = json.loads(EVIDENCE.read_text())
        return [
            table(HEADER, rows_of(evidence)),
            nodes.paragraph("", facts_of(evidence)),
            nodes.paragraph("", "Files: ", *downloads(EVIDENCE.parent, ".json", ".log")),
        ]


def rows_of(evidence: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What stage `goals` made of the figures."""
    return [
        (what, f"{found['figure']:,} {found['unit']}", found["goal"] or "-")
        for what, found in evidence["goals"].items()
    ]


def facts_of(evidence: dict[str, Any]) -> str:
    """Where the figures are from."""
    facts = evidence["env"]["facts"]["value"]
    peers = "in TF32" if facts["tf32"]["peers"] else "without TF32"
    return (
        f"{facts['device']}, {facts['precision']}, peers in torch's fp32 {peers}, torch {facts['versions']['torch']}, "
        f"commit {(facts['commit'] or 'unknown')[:12]}."
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("cuda-evidence", CudaEvidence)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
