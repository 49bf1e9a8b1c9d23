"""Targets from plan to report: real runs of tiny networks, killed, resumed, damaged and changed by hand."""

import csv
import json
import re
import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
from cases import Call, assert_one_line, draw_few_images
from processes import Fork

import resnetzoo
from resnetzoo import cli
from resnetzoo.errors import CheckpointMismatchError, OutputError, ResultsError
from resnetzoo.models import registry
from resnetzoo.reproduce import Lower, Network, Outcome, Target, reproduce, rerunning
from resnetzoo.training.results import read_records

TINY = resnetzoo.Recipe(
    name="TINY", steps=6, epochs=2, batch_size=16, lr=0.05, schedule=resnetzoo.recipes.OneCycle(), crop_padding=2
).for_images(48)
TARGET = Target(
    name="tiny",
    title="Two tiny networks",
    source="nowhere",
    networks=(Network("plainnet8"), Network("resnet8", "projection")),
    recipe=TINY,
    short_recipe=TINY,
    seeds=2,
    claims=(
        Lower("residual beats plain", "resnet8 (projection)", "plainnet8"),
        Lower("residual answers less", "resnet8 (projection)", "plainnet8", "response std"),
    ),
    by_epoch=True,
    layers=True,
)
Reproduce = Callable[..., Outcome]


NAMES = {"plainnet8": resnetzoo.ModelSpec("plain", 8), "resnet8": resnetzoo.ModelSpec("residual", 8)}
RUNS_ADVICE = "Move that folder away, or choose another one for the runs: --runs, in Python runs="
PLACE = {"device": "cpu", "precision": "fp32"}


def quiet(line: str) -> None:
    """Takes a line of progress."""


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_data: resnetzoo.Data) -> Reproduce:
    """`reproduce` of the tiny target in full, in fp32 on the CPU, into `tmp_path/report`."""
    monkeypatch.setattr(registry, "_SPECS", {**registry._SPECS, **NAMES})

    def run(data: resnetzoo.Data = tiny_data, **arguments: object) -> Outcome:
        return reproduce(TARGET, data, **{"out": tmp_path / "report", "say": quiet, **PLACE, **arguments})  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of seed 0."""
    folder = tmp_path_factory.mktemp("finished") / "report"
    data = resnetzoo.synthetic(seed=1, train_images=48, test_images=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_SPECS", {**registry._SPECS, **NAMES})
        reproduce(TARGET, data, out=folder, seeds=(0,), say=quiet, **PLACE)
    return folder


@pytest.fixture
def report(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, where `again` writes."""
    return Path(shutil.copytree(finished, tmp_path / "report"))


def test_a_target_ends_in_a_report_that_says_it_is_not_cifar10(
    again: Reproduce, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        print(line)

    outcome = again(command="resnetzoo reproduce tiny", say=say)
    lines = capsys.readouterr().out.splitlines()
    begun = [index for index, line in enumerate(lines) if re.match(r"run \d of 4: ", line)]
    assert len(begun) == 4
    assert all("step eager" in lines[index + 1] for index in begun)
    report = tmp_path / "report"
    assert "4 runs, 0 of them done" in said[0]
    assert any("total" in line and "about" in line for line in said)

    assert [record.name for record in outcome.records] == ["plainnet8", "resnet8 (projection)"] * 2
    assert [found.answer for found in outcome.verdicts] == ["not enough evidence"] * 2
    text = (report / "report.md").read_text()
    assert "NOT CIFAR-10" in text.splitlines()[0]
    assert "resnetzoo reproduce tiny" in text
    for stem in ("errors", "responses", "gradients"):
        assert (report / f"{stem}.png").read_bytes().startswith(b"\x89PNG")
        assert (
            "NOT CIFAR-10" in (report / f"{stem}.svg").read_text()
        )  # each text stands as a comment beside its outlines
    page = (report / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 3

    results = json.loads((report / "results.json").read_text())
    assert [row["n"] for row in results["networks"]] == [2, 2]
    errors = [run["epochs"][-1]["test_error"] for run in results["runs"] if run["name"] == "plainnet8"]
    assert results["networks"][0]["mean"] == pytest.approx(sum(errors) / 2)
    rows = list(csv.DictReader((report / "runs.csv").read_text().splitlines()))
    assert [float(row["test_error"]) for row in rows if row["model"] == "plainnet8"] == errors
    layers = list(csv.DictReader((report / "layers.csv").read_text().splitlines()))
    assert {row["layer"] for row in layers if row["measure"] == "response std"} >= {"conv1", "layer3.0.conv2"}


@pytest.mark.slow
def test_finished_runs_are_not_repeated_and_seeds_can_be_added(again: Reproduce, report: Path) -> None:
    first = read_records(report / "results.json")
    kept = {path: path.read_bytes() for path in (report / "runs").rglob("run.json")}
    said: list[str] = []
    second = again(seeds=(0, 1), jobs=2, say=said.append)
    assert "4 runs, 2 of them done" in said[0]
    assert "one run fills a cpu: 2 jobs take turns" in said
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert [record.to_dict() for record in second.records[:2]] == [record.to_dict() for record in first]


@pytest.mark.slow
def test_a_run_that_fails_does_not_lose_the_others(again: Reproduce, report: Path) -> None:
    broken = report / "runs" / "plainnet8-TINY-seed1"
    broken.mkdir()
    (broken / "checkpoint.pt").write_bytes(b"no checkpoint")
    outcome = again(seeds=(0, 1))
    assert list(outcome.failed) == ["plainnet8 TINY seed 1"]
    assert len(outcome.records) == 3
    assert "truncated or damaged" in (report / "report.md").read_text()
    assert outcome.failed["plainnet8 TINY seed 1"].endswith(f"{RUNS_ADVICE}, to start over")
    assert (broken / "checkpoint.pt").read_bytes() == b"no checkpoint"
    shutil.rmtree(broken)
    assert not again(seeds=(0, 1)).failed


@pytest.mark.slow
def test_weights_that_are_gone_cost_only_the_layers(again: Reproduce, report: Path) -> None:
    for name in ("checkpoint.pt", "checkpoint.previous.pt"):
        (report / "runs" / "plainnet8-TINY-seed0" / name).unlink()
    outcome = again(seeds=(0,))
    assert len(outcome.records) == 2
    assert list(outcome.failed) == ["plainnet8 TINY seed 0, its layers"]


def _change(path: Path) -> None:
    path.write_text(path.read_text().replace("0", "1", 1))


@pytest.mark.parametrize("name", ["plan.json", "results.json", "runs/plainnet8-TINY-seed0/run.json"])
def test_a_file_changed_by_hand_is_refused_and_nothing_overwritten(again: Reproduce, report: Path, name: str) -> None:
    _change(report / name)
    before = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}
    with pytest.raises(ResultsError, match=rf"{name}: changed since it was written"):
        again(seeds=(0,))
    assert {path: path.read_bytes() for path in report.rglob("*") if path.is_file()} == before


def test_other_data_are_refused(again: Reproduce, report: Path, tmp_path: Path) -> None:
    other = resnetzoo.synthetic(seed=2, train_images=48, test_images=20)
    with pytest.raises(
        ResultsError, match=r"report holds the report of tiny, full budget, on the synthetic dataset \(.*choose another"
    ):
        again(other)
    with pytest.raises(CheckpointMismatchError, match=rf"holds another run: data\.fingerprint is .*{RUNS_ADVICE}$"):
        again(other, out=tmp_path / "other", runs=report / "runs")
    assert not (tmp_path / "other" / "report.md").exists()


def test_a_folder_of_something_else_is_refused(again: Reproduce, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "thesis.txt").write_text("mine")
    with pytest.raises(ResultsError, match=r"report is not empty .* choose another folder with out=\.\.\.$"):
        again()
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["thesis.txt"]
    with pytest.raises(OutputError, match=r"cannot write /proc/nothing/plan\.json"):
        again(out="/proc/nothing")


def test_a_recorded_run_comes_out_the_same(report: Path, tiny_data: resnetzoo.Data) -> None:
    record = rerunning.find_record(report / "results.json", "resnet8 (projection)", 0)
    rows = rerunning.rerun(record, tiny_data, epochs=1, device="cpu", progress=False)
    assert len(rows) == 1
    assert not rerunning.differences(record.epochs[0], rows[0])
    assert rerunning.place_differences(record, "cpu") == []
    other = rerunning.differences(record.epochs[1], rows[0])
    assert "train_loss" in other
    with pytest.raises(ResultsError, match="has no run of plainnet9 any seed; it has plainnet8 seed 0, resnet8"):
        rerunning.find_record(report / "results.json", "plainnet9")
    with pytest.raises(ResultsError, match="recorded on other data"):
        rerunning.rerun(record, resnetzoo.synthetic(seed=2, train_images=48, test_images=20))
    with pytest.raises(resnetzoo.UsageError, match="the record has 2 epochs, not 3"):
        rerunning.rerun(record, tiny_data, epochs=3)


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("reproduce", "table7"), 2, 'unknown target "table7"; known: source, table6, figure6'),
        (("reproduce", "source", "--budget", "half", "--dataset", "synthetic"), 2, "--budget must be one of full"),
        (("reproduce", "source", "--seeds", "x"), 2, "seeds must be whole numbers separated by commas"),
        (("reproduce", "source", "--seeds", f"{5_000 * '9'},"), 2, "--seeds must be whole numbers separated by commas"),
        (("reproduce", "source", "--depths", 5_000 * "9"), 2, "--depths must be whole numbers separated by commas"),
        (("reproduce", "source", "--depths", "21", "--dataset", "synthetic"), 2, "source has no network of 21 layers"),
        (("reproduce", "source", "--jobs", "0", "--dataset", "synthetic"), 2, "--jobs must be a whole number from 1"),
        (
            ("reproduce", "source", "--device", "cpu", "--record"),
            2,
            "a step is recorded on CUDA only, and this run is on cpu",
        ),
        (("rerun", "nowhere.json"), 1, "nowhere.json: no such results file"),
    ],
)
def test_a_mistake_gets_one_line(call: Call, words: tuple[str, ...], status: int, message: str) -> None:
    assert_one_line(call(cli.main, *words), status, message)


@pytest.mark.slow
def test_killed_and_resumed_on_the_command_line(tmp_path: Path) -> None:
    words = ("resnetzoo", "reproduce", "source", "--budget", "smoke", "--dataset", "synthetic", "--out", "report")
    words = (*words, "--device", "cpu", "--precision", "fp32", "--no-record")
    process = Fork(tmp_path, *words, prepare=draw_few_images)
    first = tmp_path / "report" / "runs" / "plainnet20-SMOKE-2ep-seed0" / "run.json"
    process.wait_for(first.exists)
    process.kill()
    process.wait()
    kept = first.read_bytes()
    assert not (tmp_path / "report" / "report.md").exists()

    said = Fork(tmp_path, *words, prepare=draw_few_images).wait()
    assert said.returncode == 0, said.stderr
    assert "2 runs, 1 of them done" in said.stdout
    assert said.stdout.count("not enough evidence") == 3
    assert first.read_bytes() == kept
    report = (tmp_path / "report" / "report.md").read_text()
    assert "resnetzoo reproduce source --budget smoke --dataset synthetic --device cpu --precision fp32\n" in report


@pytest.mark.usefixtures("few_images")
def test_the_command_promises_no_success_after_a_failure(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = Namespace(verdicts=(), failed={"plainnet8 TINY seed 1": "damaged"})
    monkeypatch.setattr(resnetzoo.reproduce, "run_plan", lambda *_, **__: outcome)
    said = call(cli.main, "reproduce", "source", "--budget", "smoke", "--dataset", "synthetic")
    assert_one_line(said, 1, "1 of the runs failed, for the reasons above: when these are remedied, the same command")
