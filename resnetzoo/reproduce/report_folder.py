"""The folder of a report: it belongs to one target, and is written to at the end."""

from pathlib import Path
from typing import Any

from resnetzoo.data.pair import Data
from resnetzoo.errors import ResultsError
from resnetzoo.reproduce.comparison import save_results, write_csv
from resnetzoo.reproduce.html_page import html_page
from resnetzoo.reproduce.layer_stats import LayerRow
from resnetzoo.reproduce.markdown_report import markdown_report
from resnetzoo.reproduce.outcome import Outcome
from resnetzoo.reproduce.report_figures import draw_figures
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.checksummed_json import read_checksummed, write_checksummed
from resnetzoo.utils.files import write_text
from resnetzoo.utils.text import short_fingerprint

PLAN = "plan.json"
RESULTS = "results.json"


def prepare_folder(folder: Path, target: str, budget: str, data: Data) -> None:
    """Claim the folder for this target, or check that it is this target's, before anything is trained.

    Raises:
        OutputError: the folder cannot be written.
        ResultsError: it holds other files, another target, other data, or results that were changed by hand.
    """
    plan = _plan(target, budget, data.title, data.fingerprint)
    if not (folder / PLAN).exists():
        if folder.is_dir() and any(folder.iterdir()):
            raise ResultsError(
                f"{folder} is not empty and has no plan.json, so it holds no report: choose another folder with out=..."
            )
        write_checksummed(folder / PLAN, plan)
        return
    stored = read_checksummed(folder / PLAN)
    known = stored.get("data", {}).get("fingerprint", "")
    if stored != plan and not (data.has_fingerprint(known) and stored == _plan(target, budget, data.title, known)):
        raise ResultsError(
            f"{folder} holds the report of {_describe(stored)}, but this one is of {_describe(plan)}: choose another "
            "folder with out=..."
        )
    if (folder / RESULTS).exists():
        read_checksummed(folder / RESULTS)
    write_checksummed(folder / PLAN, stored)


def write_report(outcome: Outcome, folder: Path) -> None:
    """Write all results, their figures, and the report in Markdown and HTML.

    Raises:
        OutputError: `folder` cannot be written.
    """
    notes = {key: value for key, value in outcome.to_dict().items() if key != "runs"}
    save_results(outcome.records, folder, **notes)
    write_csv(folder / "runs.csv", [_run_row(record) for record in outcome.records])
    if outcome.layers:
        write_csv(folder / "layers.csv", [line for row in outcome.layers for line in _layer_lines(row)])
    write_pages(outcome, folder)


def write_pages(outcome: Outcome, folder: Path) -> None:
    """Write the figures, and the report in Markdown and HTML.

    Raises:
        OutputError: `folder` cannot be written.
    """
    pictures = draw_figures(outcome, folder)
    linked = markdown_report(outcome, [picture.linked for picture in pictures])
    write_text(folder / "report.md", linked)
    embedded = markdown_report(outcome, [picture.embedded for picture in pictures])
    write_text(folder / "report.html", html_page(embedded, folder))


def _run_row(record: RunRecord) -> dict[str, Any]:
    last = record.epochs[-1]
    return {
        "model": record.name,
        "recipe": record.recipe.name,
        "seed": record.seed,
        "epochs": last.epoch,
        "steps": last.step,
        "train_error": last.train_error,
        "test_error": last.test_error,
        "wall_seconds": round(record.wall_seconds, 1),
        "device": record.device,
        "precision": record.precision,
        "execution": record.execution,
        "torch": record.versions["torch"],
        "commit": record.commit,
        "data": record.data["fingerprint"],
        "peak_memory_bytes": record.peak_memory_bytes,
    }


def _layer_lines(row: LayerRow) -> list[dict[str, Any]]:
    common = {"model": row.network, "seed": row.seed, "state": row.state, "measure": row.measure}
    return [
        {**common, "place": index, "layer": layer, "value": value}
        for index, (layer, value) in enumerate(zip(row.layers, row.values, strict=True), start=1)
    ]


def _plan(target: str, budget: str, title: str, fingerprint: str) -> dict[str, Any]:
    return {"target": target, "budget": budget, "data": {"title": title, "fingerprint": fingerprint}}


def _describe(plan: dict[str, Any]) -> str:
    title, fingerprint = plan["data"]["title"], short_fingerprint(plan["data"]["fingerprint"])
    return f"{plan['target']}, {plan['budget']} budget, on {title} ({fingerprint})"
