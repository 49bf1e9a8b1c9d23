"""The comparison, as a newcomer starts it."""

import csv
import json
import runpy
import signal
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from cases import ROOT, Call, assert_one_line
from processes import Command

import resnetzoo

SCRIPT = ROOT / "examples" / "cifar_compare.py"
SHORT = ("--dataset", "synthetic", "--max-train-images", "128", "--epochs", "1", "--device", "cpu", "--out", "out")


def names_in_script() -> dict[str, Any]:
    """What the example defines; it changes what Ctrl-C does, which is undone."""
    former = signal.getsignal(signal.SIGINT)
    try:
        return runpy.run_path(str(SCRIPT))
    finally:
        signal.signal(signal.SIGINT, former)


def test_compare_writes_table_figures_and_picture(fork_command: Command, tmp_path: Path) -> None:
    said = fork_command(SCRIPT, *SHORT, "--seeds", "0", "1")
    assert said.returncode == 0, said.stderr
    assert "the synthetic dataset, first 128 training images: NOT CIFAR-10" in said.stdout
    assert "This is a demonstration." in said.stdout
    assert "--dataset cifar10 downloads CIFAR-10" in said.stdout
    assert "One seed" not in said.stdout
    assert "QUICK20-bs32-lr0.1-1ep, seeds 0, 1" in said.stdout
    header = next(line for line in said.stdout.splitlines() if line.startswith("| epoch"))
    assert [cell.strip() for cell in header.strip("|").split("|")] == [
        *("epoch", "plainnet20 (n=2)", "resnet20 (n=2)", "source, sequential", "source, residual"),
    ]
    assert "20 epochs of CIFAR-10 with an unknown recipe, against 1 here" in said.stdout
    (row,) = (line for line in said.stdout.splitlines() if line.startswith("|     1 |"))
    assert [cell.strip() for cell in row.strip("|").split("|")][-2:] == ["52.39", "61.35"]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [(run["name"], run["seed"], len(run["epochs"])) for run in results["runs"]] == [
        *(("plainnet20", 0, 1), ("resnet20", 0, 1), ("plainnet20", 1, 1), ("resnet20", 1, 1)),
    ]
    for run in results["runs"]:
        for field in ("spec", "recipe", "device", "precision", "versions", "wall_seconds"):
            assert run[field], field
        assert run["data"]["fingerprint"] == results["data"]["fingerprint"]
    with (tmp_path / "out" / "epochs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert float(rows[0]["test_error"]) == results["runs"][0]["epochs"][0]["test_error"]
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")

    again = fork_command(SCRIPT, *SHORT, "--seeds", "0", "1")
    assert again.returncode == 0
    assert "epoch   1/1" not in again.stdout  # read, not repeated
    assert json.loads((tmp_path / "out" / "results.json").read_text())["runs"] == results["runs"]

    longer = fork_command(SCRIPT, *SHORT, "--epochs", "2")
    assert_one_line((longer.returncode, longer.stderr), 2, "out holds runs with other settings: choose another folder")
    assert json.loads((tmp_path / "out" / "results.json").read_text())["runs"] == results["runs"]


def test_where_cifar10_cannot_be_had_the_synthetic_set_is_taken_loudly(fork_command: Command, tmp_path: Path) -> None:
    """No network in this process: a proxy that refuses every connection."""
    refused = "http://127.0.0.1:9"
    words = ("--models", "plainnet20", "--max-train-images", "64", "--epochs", "1", "--device", "cpu", "--out", "out")
    said = fork_command(SCRIPT, *words, http_proxy=refused, https_proxy=refused, HTTPS_PROXY=refused, no_proxy="")
    assert said.returncode == 0, said.stderr
    assert "THIS IS NOT CIFAR-10" in said.stderr
    assert "refused" in said.stderr
    assert "--data-dir" in said.stderr
    assert "This is a demonstration." in said.stdout
    assert "A single seed of each network shows no spread: --seeds 0 1 2 3 4" in said.stdout
    source = json.loads((tmp_path / "out" / "results.json").read_text())["data"]["source"]
    assert "in place of CIFAR-10" in source
    assert "refused" in source


def test_the_stored_comparison_is_the_default_one_and_shows_the_difference() -> None:
    script = names_in_script()
    folder = ROOT / "docs" / "results" / "examples" / "cifar_compare"
    records = resnetzoo.read_records(folder / "results.json")
    data = resnetzoo.synthetic().first(script["SYNTHETIC_TRAIN_IMAGES"])
    recipe = script["SYNTHETIC_RECIPE"].with_epochs(script["SYNTHETIC_EPOCHS"]).for_images(len(data.train))
    for record in records:
        assert record.recipe == recipe
        assert record.data["fingerprint"] == data.fingerprint
        assert record.epochs[-1].step == recipe.steps
        assert record.commit
        assert "dirty" not in record.commit
    errors = {
        name: [(record.seed, record.epochs[-1].test_error) for record in group]
        for name, group in resnetzoo.report.by_name(records).items()
    }
    assert list(errors) == ["plainnet20", "resnet20"]
    plain, residual = ([error for _, error in sorted(found)] for found in errors.values())
    assert [seed for seed, _ in sorted(errors["plainnet20"])] == [seed for seed, _ in sorted(errors["resnet20"])]
    assert len(plain) == len(residual) == 5
    spreads = stdev(plain), stdev(residual)
    assert min(spreads) > 0  # or else the next line would compare with nothing
    assert mean(plain) - mean(residual) > 2 * max(spreads)


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
def test_compare_reads_a_folder(fork_command: Command, cifar10_folder: Path, tmp_path: Path) -> None:
    words = ("--data-dir", cifar10_folder, "--models", "plainnet20", "--epochs", "1", "--device", "cpu", "--out", "out")
    said = fork_command(SCRIPT, *words)
    assert said.returncode == 0, said.stderr
    assert "is not the official CIFAR-10" in said.stderr
    assert "QUICK20-1ep, seed 0" in said.stdout  # the recipe of the demonstration is for the synthetic dataset alone
    assert "demonstration" not in said.stdout
    assert "One seed" not in said.stdout
    assert json.loads((tmp_path / "out" / "results.json").read_text())["data"]["official"] is False


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--models", "resnet20", "resnet57"), 2, "the nearest valid: 56 or 62"),
        (("--epochs", "0"), 2, "epochs must be a whole number from 1"),
        (("--max-train-images", "0"), 2, "train_images must be a whole number from 1"),
        (("--seeds", "-4"), 2, "seed must be a whole number from 0"),
        (("--out", "/proc/nothing"), 1, "cannot write /proc/nothing"),
        (("--device", "cuda:9"), 1, 'device "cuda:9" is not available'),
    ],
)
def test_a_mistake_gets_one_line(call: Call, words: tuple[str, ...], status: int, message: str) -> None:
    assert_one_line(call(partial(resnetzoo.run_main, names_in_script()["main"]), *SHORT, *words), status, message)
