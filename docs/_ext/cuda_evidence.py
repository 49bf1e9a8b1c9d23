"""The directive that shows one table of what was measured on CUDA."""

import csv
import json
from collections.abc import Callable, Sequence
from typing import Any

from docutils import nodes
from generated import RESULTS, downloads, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FOLDER = RESULTS / "cuda"
FILES = {"runs": FOLDER / "cifar_compare", "goals": FOLDER}
Figures = dict[str, dict[str, Any]]  # by stage of `benchmarks/cuda` and name
Rows = list[tuple[str, ...]]

STEP = ("step of 128 images", "milliseconds", "images per second")
RUN = ("network and seed", "test error (%)", "training (s)", "tests (s)")
GOAL = ("what", "measured", "goal")
STOPPED = ("network", "recipe", "seed", "epochs done", "training error (%)", "test error (%)")


class CudaEvidence(SphinxDirective):
    """One table of the committed figures, by its name in `TABLES`; below two of them, links to the files."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        header, rows_of = TABLES[name]
        figures: Figures = json.loads((FOLDER / "evidence.json").read_text())
        shown: list[nodes.Node] = [table(header, rows_of(figures))]
        if name == "goals":
            shown.append(nodes.paragraph("", facts_of(figures)))
        if name in FILES:
            shown.append(nodes.paragraph("", "Files: ", *downloads(FILES[name], ".json", ".csv")))
        return shown


def step_rows(figures: Figures) -> Rows:
    """Training steps, recorded and eager, of this package, other networks and the DataLoader loop."""
    measured = {
        **figures["steps"],
        **{f"{name} compiled and recorded bf16": one for name, one in figures["compiled"].items()},
        **{
            f"{name.partition(': ')[2]} eager {one['value']['precision']}": one
            for name, one in figures["loop"].items()
            if _has_value(one)
        },
    }
    return [
        (name, f"{one['value']['us_a_step'] / 1000:.2f}", f"{128e6 / one['value']['us_a_step']:,.0f}")
        for name, one in measured.items()
        if _has_value(one)
    ]


def run_rows(figures: Figures) -> Rows:
    """The results of `examples/cifar_compare.py`, which trained one network after the other."""
    found = {name.removeprefix("alone/"): one["value"] for name, one in figures["runs"].items() if _has_value(one)}
    return [
        (name, f"{one['test_error']:.2f}", f"{one['train_seconds']:.1f}", f"{one['test_seconds']:.1f}")
        for name, one in found.items()
        if "test_error" in one
    ]


def goal_rows(figures: Figures) -> Rows:
    """The figures beside their goals, from stage `goals`."""
    return [
        (what, f"{found['figure']:,} {found['unit']}", found["goal"] or "-") for what, found in figures["goals"].items()
    ]


def stopped_rows(_: Figures) -> Rows:
    """The last epoch of each run that was stopped when its time was up."""
    with (FOLDER / "stopped_runs.csv").open(newline="") as file:
        last = {(row["model"], row["recipe"], row["seed"]): row for row in csv.DictReader(file)}
    return [
        (*run, row["epoch"], f"{float(row['train_error']):.2f}", f"{float(row['test_error']):.2f}")
        for run, row in last.items()
    ]


def facts_of(figures: Figures) -> str:
    """Where the figures come from, in words."""
    facts = figures["env"]["facts"]["value"]
    peers = "in TF32" if facts["tf32"]["peers"] else "without TF32"
    return (
        f"{facts['device']}, {facts['precision']}, peers in torch's fp32 {peers}, torch {facts['versions']['torch']}, "
        f"commit {(facts['commit'] or 'unknown')[:12]}."
    )


def _has_value(found: Any) -> bool:
    """Whether a stage measured values; otherwise it has an error, a bare number, or a note that no time was left."""
    return isinstance(found, dict) and isinstance(found.get("value"), dict)


TABLES: dict[str, tuple[Sequence[str], Callable[[Figures], Rows]]] = {
    "steps": (STEP, step_rows),
    "runs": (RUN, run_rows),
    "goals": (GOAL, goal_rows),
    "stopped": (STOPPED, stopped_rows),
}


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("cuda-evidence", CudaEvidence)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
