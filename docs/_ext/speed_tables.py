"""The directives about speed: the latest record beside the fastest peer, and all records, one per row."""

import json
import re
from typing import Any

from docutils import nodes
from equal_terms import RECORDS
from generated import latest_speed, speed_records, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnetzoo import report

_CASE = re.compile(r"(?P<work>forward|step)\[(?P<name>\w+)-(?P<batch>\d+)-")
_WORKS = {"forward": "inference", "step": "training"}


class SpeedTable(SphinxDirective):
    """The latest record of speed, case by case, beside the fastest peer as it is used and on equal terms."""

    def run(self) -> list[nodes.Node]:
        latest = latest_speed()
        precision = latest["precision"]
        rows = []
        for case, figures in latest["benchmarks"].items():
            pace = figures.get("images_per_second")
            ours = f"{pace:,.0f} images/s" if pace else f"{figures['median'] * 1e3:,.2f} ms"
            ratio = f"{figures['ratio']:.2f}" if figures.get("ratio") else "-"
            share = f"{figures['fraction_of_matrix_rate']:.0%}" if figures.get("fraction_of_matrix_rate") else "-"
            equal = (_equal(case, precision, ", compiled"), _equal(case, "fp32", ""))
            rows.append((case, figures.get("peer") or "-", ours, ratio, *equal, share))
        header = ("case", "fastest peer", "resnetzoo", "times the peer as it is used")
        header = (*header, f"both compiled, {precision}", "both eager, fp32", "of the matrix rate")
        facts = f"{report.device_words(latest['device'])}, {precision}, torch {latest['versions']['torch']}, "
        facts += f"commit {latest['commit'][:12]}, {latest['recorded'][:10]}."
        return [table(header, rows, first_number=2), nodes.paragraph("", facts)]


def _equal(case: str, precision: str, way: str) -> str:
    """How many times as fast ours is if both run in the same way, from the records on equal terms; "-" without one."""
    found = _CASE.match(case)
    if found is None:
        return "-"
    work = f"{found['name']}, {_WORKS[found['work']]}, batch {found['batch']}"
    for record in (json.loads(path.read_text()) for path in sorted(RECORDS.glob("*.json"))):
        rows: dict[str, Any] = {row["name"]: row for row in record["rows"] if row["work"] == work}
        if record["precision"] == precision and rows:
            ours = rows[f"resnetzoo {found['name']}{way}"]
            return f"{ours['ratio'] / rows[ours['peer'] + way]['ratio']:.2f}"
    return "-"


class SpeedHistory(SphinxDirective):
    """All records of speed, one per row: some cases in images per second, with the ratio to the fastest peer."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        cases = self.arguments[0].split()
        rows = []
        for record in speed_records():
            figures = [record["benchmarks"].get(case) for case in cases]
            paces = [f"{found['images_per_second']:,.0f} ({found['ratio']:.2f})" if found else "-" for found in figures]
            rows.append((record["recorded"][:10], record["commit"][:12], record["machine"], *paces))
        return [table(("recorded", "commit", "machine", *cases), rows, first_number=3)]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("speed-table", SpeedTable)
    app.add_directive("speed-history", SpeedHistory)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
