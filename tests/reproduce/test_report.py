"""Tables and files over several runs, by hand."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

import resnetzoo
from resnetzoo.reproduce import budget_of, get_target
from resnetzoo.reproduce import comparison as report
from resnetzoo.reproduce.markdown_report import markdown_report
from resnetzoo.reproduce.outcome import outcome_of
from resnetzoo.training.presets import SMOKE
from resnetzoo.training.results import RunRecord


def run_of(name: str, seed: int, errors: list[float]) -> resnetzoo.Run:
    rows = [
        resnetzoo.EpochRow(
            epoch=place,
            step=place,
            lr=0.1,
            train_loss=1.0,
            train_error=error,
            test_loss=1.0,
            test_error=error,
            train_seconds=2.0,
            test_seconds=1.0,
            images_per_second=5.0,
        )
        for place, error in enumerate(errors, start=1)
    ]
    data = resnetzoo.synthetic(train_images=10, test_images=10)
    return resnetzoo.Run(
        model=resnetzoo.plainnet(8),
        name=name,
        spec=None,
        recipe=SMOKE,
        seed=seed,
        data=data.to_dict(),
        normalization={},
        device="cpu",
        precision="fp32",
        execution="eager",
        processes=1,
        versions={"torch": "2"},
        commit=None,
        epochs=tuple(rows),
    )


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_a_table_of_single_runs() -> None:
    runs = [run_of("plain", 0, [60.0, 40.5]), run_of("residual", 0, [50.0, 30.25])]
    table = cells(report.accuracy_table(runs, {"source": {2: 81.13}}))
    assert table[0] == ["epoch", "plain", "residual", "source"]
    assert table[2:] == [["1", "40.00", "50.00", "-"], ["2", "59.50", "69.75", "81.13"]]


def test_a_table_over_seeds_gives_mean_and_sample_deviation() -> None:
    runs = [run_of("plain", seed, [error]) for seed, error in enumerate([10.0, 12.0, 14.0])]
    table = cells(report.accuracy_table(runs, {}))
    assert table[0] == ["epoch", "plain (n=3)"]
    assert table[2:] == [["1", "88.00 ± 2.00"]]


def test_files_hold_every_epoch_of_every_run(tmp_path: Path) -> None:
    runs = [run_of("plain", 0, [60.0, 40.5]), run_of("residual", 1, [50.0, 30.25])]
    report.save_results(runs, tmp_path / "new" / "folder", note="a test")
    results = json.loads((tmp_path / "new" / "folder" / "results.json").read_text())
    assert results["note"] == "a test"
    assert results["runs"][1]["epochs"][1]["test_error"] == 30.25
    assert results["runs"][0]["wall_seconds"] == 6.0
    with (tmp_path / "new" / "folder" / "epochs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["model"], row["seed"], row["test_error"]) for row in rows] == [
        *(("plain", "0", "60.0"), ("plain", "0", "40.5"), ("residual", "1", "50.0"), ("residual", "1", "30.25")),
    ]


@pytest.mark.parametrize(
    ("name", "official", "title"),
    [
        ("cifar10", True, "CIFAR-10"),
        ("cifar10", False, "CIFAR-10 (NOT the official files)"),
        ("synthetic", False, "the synthetic set: NOT CIFAR-10"),
    ],
)
def test_what_is_not_official_says_so(name: str, official: bool, title: str) -> None:
    run = run_of("plain", 0, [1.0])
    run = replace(run, data={**run.data, "name": name, "official": official})
    assert report.measured_on([run]) == title
    assert "n = 10 training, 10 test images" in report.provenance_line([run])


def test_peak_memory_stands_beside_the_seconds_where_a_device_counts_it() -> None:
    runs = [run_of("plain", 0, [60.0]), run_of("residual", 0, [50.0])]

    def how_made(records: list[resnetzoo.Run]) -> list[list[str]]:
        target = get_target("source")
        outcome = outcome_of(target, budget_of(target, "smoke"), command="", records=records, failed={}, layers=[])
        return cells(markdown_report(outcome, []).partition("## How it was made")[2])

    assert all("peak memory" not in row for row in how_made(runs))
    rows = how_made([runs[0], replace(runs[1], peak_memory_bytes=3 * 2**29)])
    (header,) = (row for row in rows if row[0] == "network")
    place = header.index("peak memory")
    assert header[place - 1] == "seconds"
    assert [row[place] for row in rows if row[0] in ("plain", "residual")] == ["-", "1.50 GiB"]


def test_records_of_before_have_no_peak_memory() -> None:
    record = replace(run_of("plain", 0, [60.0]), peak_memory_bytes=5)
    values = record.to_dict()
    assert RunRecord.from_dict(values).peak_memory_bytes == 5
    del values["peak_memory_bytes"]
    assert RunRecord.from_dict(values).peak_memory_bytes is None
