"""Directives that write tables and pictures from the code and the committed results, so that pages stay true."""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

import resnetzoo
from resnetzoo import plots, report
from resnetzoo.reproduce import PUBLISHED, read_results

DOCS = Path(__file__).resolve().parent.parent
RESULTS = DOCS / "results"
_WORDS = 40  # characters from which on a cell is a text, which a narrow column would make tall
_MANY = 7  # columns that need more than the width of a text
_OWN_COLOUR = ' color="#333"'
SPEED = DOCS.parent / "benchmarks" / "results"


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], first_number: int = 1, last_number: int = 99
) -> nodes.table:
    """A sortable table; columns from `first_number` to `last_number` are right-aligned."""
    numbers = range(first_number, last_number + 1)
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    group += nodes.thead("", _row(header, numbers))
    group += nodes.tbody("", *(_row(row, numbers) for row in rows))
    return nodes.table("", group, classes=["figures", "wide"] if len(header) >= _MANY else ["figures"])


def _row(cells: Sequence[str], numbers: range) -> nodes.row:
    row = nodes.row()
    for place, cell in enumerate(cells):
        entry = nodes.entry("", nodes.paragraph("", cell))
        if place in numbers:
            entry["classes"].append("text-right")
        elif len(cell) >= _WORDS:
            entry["classes"].append("words")
        row += entry
    return row


def result_folders() -> list[Path]:
    return sorted(path.parent for path in RESULTS.glob("*/results.json"))


def full_records() -> list[resnetzoo.RunRecord]:
    """All committed runs on the whole of the official CIFAR-10."""
    found = [record for folder in result_folders() for record in resnetzoo.read_records(folder / "results.json")]
    return [record for record in found if record.data["official"] and not record.data["part"]]


def named_networks(*patterns: str) -> list[str]:
    """The names that match each pattern, in the order of the patterns.

    Raises:
        ExtensionError: no name matches a pattern.
    """
    found = {pattern: resnetzoo.list_models(pattern) for pattern in patterns}
    for pattern, names in found.items():
        if not names:
            raise ExtensionError(f'no network is called "{pattern}"; "resnetzoo list" shows the names')
    return [name for names in found.values() for name in names]


class ZooTable(SphinxDirective):
    """All networks, or those that match the patterns, in this order, with costs and errors."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        names = named_networks(*(self.arguments[0].split() if self.arguments else "*"))
        header = ("network", "parameters", "multiply-adds", "activations", "paper (%)")
        header = (*header, "ours (%)", "n", "recipe", "weights", "images/s")
        papers = {row.network: row for row in PUBLISHED if not row.variant}
        ours, speed = _best_errors(), _inference_speed()
        rows = []
        for name in names:
            cost = resnetzoo.complexity(name)
            error, recipe, count = ours.get(name, ("-", "-", "-"))
            weights = str(len(resnetzoo.list_weights(f"{name}.*")) or "-")
            row = papers.get(name)
            paper = percent(row.cifar10) if row else "-"
            costs = (f"{count:,}" for count in cost)
            rows.append((name, *costs, paper, error, count, recipe, weights, speed.get(name, "-")))
        return [table(header, rows)]


def percent(error: float | None) -> str:
    return "-" if error is None else f"{error:.2f}"


def mean_and_std(values: Sequence[float]) -> str:
    """The mean, and the standard deviation if there are several values."""
    return f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def _best_errors() -> dict[str, tuple[str, str, str]]:
    """By network, the lowest mean last-epoch error of any recipe, with the recipe and the number of seeds."""
    groups: dict[tuple[str, str], dict[int, float]] = {}
    for record in full_records():
        errors = groups.setdefault((record.name, record.recipe.name), {})
        errors[record.seed] = record.epochs[-1].test_error
    best: dict[str, tuple[float, tuple[str, str, str]]] = {}
    for (name, recipe), errors in groups.items():
        values = list(errors.values())
        if name not in best or mean(values) < best[name][0]:
            best[name] = (mean(values), (mean_and_std(values), recipe, str(len(values))))
    return {name: words for name, (_, words) in best.items()}


def speed_records() -> list[dict[str, Any]]:
    """The records of speed, oldest first."""
    records = [json.loads(path.read_text()) for path in SPEED.glob("*/*.json")]
    return sorted(records, key=lambda record: str(record["recorded"]))


def latest_speed() -> dict[str, Any]:
    """The newest record of speed; empty if there is none."""
    return next(reversed(speed_records()), {})


def _inference_speed() -> dict[str, str]:
    """Images per second at batch size 128, compiled, from the latest record."""
    found = {}
    for case, figures in latest_speed().get("benchmarks", {}).items():
        if case.startswith("forward[") and "-128-compiled" in case:
            found[case.removeprefix("forward[").split("-")[0]] = f"{figures['images_per_second']:,.0f}"
    return found


class WeightsTable(SphinxDirective):
    """All rows of weights."""

    def run(self) -> list[nodes.Node]:
        header = ("weights", "test error (%)", "parameters", "epoch", "recipe", "licence", "where")
        rows = [
            (
                row.name,
                f"{row.test_error:.2f}",
                f"{row.params:,}",
                row.epoch,
                row.recipe,
                row.licence,
                "in the package" if row.packaged else "fetched",
            )
            for row in resnetzoo.list_weights()
        ]
        return [table(header, rows, first_number=9)]


class RecipeTable(SphinxDirective):
    """All recipes side by side, one setting per row."""

    def run(self) -> list[nodes.Node]:
        recipes = resnetzoo.recipes.RECIPES
        values = {name: recipe.to_dict() for name, recipe in recipes.items()}
        settings = [field.name for field in fields(resnetzoo.Recipe) if field.name not in ("name", "extended_at")]
        rows = [
            (
                setting,
                *(_words(values[name].get(setting, getattr(recipe, setting))) for name, recipe in recipes.items()),
            )
            for setting in settings
        ]
        return [table(("setting", *recipes), rows, first_number=9)]


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return " and ".join(f"{inner:,}" for inner in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


class Verdicts(SphinxDirective):
    """The claims of one committed result, or of all, with their verdicts, if their networks were trained."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        folders = [RESULTS / self.arguments[0]] if self.arguments else result_folders()
        rows = []
        for folder in folders:
            for verdict in read_results(folder / "results.json").verdicts:
                if not verdict.untrained:
                    rows.append((verdict.answer, verdict.claim, verdict.figures, folder.name))
        header = ("verdict", "claim", "figures", "result")
        if self.arguments:  # the page says which result it is
            header, rows = header[:-1], [row[:-1] for row in rows]
        return [table(header, rows, first_number=9)] if rows else []


_MADE_BY = ("recipe", "device", "precision", "torch", "commit", "data")


class Provenance(SphinxDirective):
    """How one committed result was produced, the commands that repeat it, and its files."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        path = RESULTS / name / "results.json"
        results = read_results(path)
        variables = results.command.split("resnetzoo ")[0]
        rerun = f"{variables}resnetzoo rerun docs/results/{name}/results.json  # one epoch of its first run"
        again = f"{results.command}\n{rerun}"
        columns = _provenance_columns(results.records)
        shared = {name: cells[0] for name, cells in columns.items() if len(set(cells)) == 1 and name in _MADE_BY}
        own = {name: cells for name, cells in columns.items() if name not in shared}
        facts = "; ".join(f"{name} {cell}" for name, cell in shared.items())
        return [
            nodes.literal_block("", again, language="sh"),
            table(tuple(own), list(zip(*own.values(), strict=True))),
            nodes.paragraph("", f"All of them: {facts}."),
            nodes.paragraph("", "Files: ", *downloads(path.parent, ".json", ".csv", ".md")),
        ]


def downloads(folder: Path, *suffixes: str) -> list[nodes.Node]:
    """Links to the folder's files with these suffixes."""
    links: list[nodes.Node] = []
    for path in sorted(folder.iterdir()):
        if path.suffix in suffixes:
            links += [nodes.Text(", " if links else "")]
            links += [addnodes.download_reference("", path.name, reftarget=f"/{path.relative_to(DOCS)}")]
    return links


def _provenance_columns(records: Sequence[resnetzoo.RunRecord]) -> dict[str, list[str]]:
    """The columns, with one cell per run; those of `_MADE_BY` are not needed as columns if all runs agree."""
    return {
        "network": [record.name for record in records],
        "seed": [str(record.seed) for record in records],
        "training error (%)": [f"{record.epochs[-1].train_error:.2f}" for record in records],
        "test error (%)": [f"{record.epochs[-1].test_error:.2f}" for record in records],
        "recipe": [record.recipe.name for record in records],
        "device": [report.device_words(record.device) for record in records],
        "precision": [record.precision for record in records],
        "torch": [record.versions["torch"] for record in records],
        "commit": [(record.commit or "unknown")[:12] for record in records],
        "data": [report.short_fingerprint(record.data["fingerprint"]) for record in records],
    }


class Architecture(SphinxDirective):
    """Networks drawn from their specs, side by side."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        drawn = [plots.draw(resnetzoo.get_spec(name)) for name in self.arguments[0].split()]
        # As inline pictures they take the page's colour.
        inside = "".join(f"<div>{picture.replace(_OWN_COLOUR, '')}</div>" for picture in drawn)
        return [nodes.raw("", f'<div class="architecture side-by-side">{inside}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    for name, directive in {
        "zoo-table": ZooTable,
        "weights-table": WeightsTable,
        "recipe-table": RecipeTable,
        "verdicts": Verdicts,
        "provenance": Provenance,
        "architecture": Architecture,
    }.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
