"""The committed results: whole, untouched, and what the pages say of them."""

import json
import re
from pathlib import Path
from statistics import mean, stdev

import pytest
from cases import ROOT

import resnetzoo
from resnetzoo.reproduce import SOURCE_ACCURACIES

FOLDERS = sorted(path.parent for path in (ROOT / "docs" / "results").glob("*/results.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_result_is_whole_and_says_how_it_was_made(folder: Path) -> None:
    results = json.loads((folder / "results.json").read_text())
    assert results["command"].split("resnetzoo ")[1].startswith(f"reproduce {folder.name}")
    assert not results["failed"]
    for record in resnetzoo.read_records(folder / "results.json"):  # which looks at the fingerprint
        assert record.epochs[-1].step == record.recipe.steps
        assert record.data["official"]
        assert (record.data["train_images"], record.data["test_images"]) == (50_000, 10_000)
        assert record.commit
        assert "dirty" not in record.commit
    for found in results["networks"]:
        errors = [run["epochs"][-1]["test_error"] for run in results["runs"] if run["name"] == found["network"]]
        assert found["errors"] == errors
        assert found["mean"] == pytest.approx(mean(errors))
    report = (folder / "report.md").read_text()
    assert all(f"| {found['network']} " in report for found in results["networks"])
    assert all((folder / link).is_file() for link in re.findall(r"\]\(([^)]+)\)", report))
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".csv", ".png", ".svg", ".md"}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000


def test_the_readme_gives_the_figures_of_the_result() -> None:
    errors: dict[int, dict[str, list[float]]] = {}
    for record in resnetzoo.read_records(ROOT / "docs" / "results" / "figure6" / "results.json"):
        assert record.spec is not None
        seeds = errors.setdefault(record.spec.depth, {}).setdefault(record.spec.family, [])
        seeds.append(record.epochs[-1].test_error)
    rows = []
    for depth, families in sorted(errors.items()):
        counts = " and ".join(dict.fromkeys(str(len(values)) for values in families.values()))
        cells = [
            f"{100 - float(f'{mean(values):.2f}'):.2f}{f' ± {stdev(values):.2f}' if len(values) > 1 else ''}"
            if (values := families.get(family))
            else "-"
            for family in ("plain", "residual")
        ]
        rows.append(f"| {depth} layers, n = {counts} | {' | '.join(cells)} |")
    assert "\n".join(rows) in (ROOT / "README.md").read_text()


def test_the_page_says_where_the_source_is_ahead() -> None:
    page = " ".join((ROOT / "docs" / "results.md").read_text().split())
    records = resnetzoo.read_records(ROOT / "docs" / "results" / "source" / "results.json")
    ends = []
    for name, last in (("plainnet20", 16), ("resnet20", 17)):
        seeds = [record.epochs for record in records if record.name == name]
        ours = [mean(100 - row.test_error for row in rows) for rows in zip(*seeds, strict=True)]
        ahead = [theirs > mine for theirs, mine in zip(SOURCE_ACCURACIES[name], ours, strict=True)]
        assert ahead == [epoch <= last for epoch in range(1, 21)]
        ends.append(f"{ours[-1] - SOURCE_ACCURACIES[name][-1]:.2f}")
    assert "its plain network in epochs 1 to 16 and its residual one in epochs 1 to 17" in page
    assert f"Ours ends higher, by {ends[0]} and {ends[1]} points." in page


@pytest.mark.parametrize("row", [row for row in resnetzoo.list_weights() if row.packaged], ids=lambda row: row.name)
def test_our_weights_come_from_a_recorded_run(row: resnetzoo.Weights) -> None:
    folder = re.search(r"docs/results/[\w-]+", row.source)
    assert folder
    seed = int(row.recipe.rsplit(" ", 1)[1])
    records = resnetzoo.read_records(ROOT / folder[0] / "results.json")
    record = next(record for record in records if (record.name, record.seed) == (row.network, seed))
    assert record.epochs[-1].test_error == pytest.approx(row.test_error, abs=0.1)  # fp16 since
    assert record.data["fingerprint"] in row.trained_on
    assert record.recipe.name in row.recipe
