"""The stages of benchmarks/cuda on a CPU, at their smallest: every one gives its figures, and none an error."""

import importlib
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo.config
from cases import ROOT
from op_recorder import OpRecorder

import resnetzoo
from resnetzoo import bench
from resnetzoo.training.opening import open_trainer
from resnetzoo.training.strategies import base

FOLDER = ROOT / "benchmarks" / "cuda"
SECONDS = 600  # of a stage; far more than any takes here


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """A function of a stage's module, `module.function`, imported as the script finds it: from its own folder."""
    monkeypatch.syspath_prepend(str(FOLDER))
    # What compiling gives is tested elsewhere; here it would take most of the time.
    with torch._dynamo.config.patch(disable=True):
        yield lambda name: getattr(importlib.import_module(name.split(".")[0]), name.split(".")[1])


@pytest.fixture
def evidence(stage: Callable[[str], Any], tmp_path: Path) -> Any:
    for folder in ("state/runs", "out"):
        (tmp_path / folder).mkdir(parents=True)
    setting = stage("evidence.Setting")(
        state=tmp_path / "state",
        out=tmp_path / "out",
        here=FOLDER,
        deadline=time.time() + SECONDS,
        device="cpu",
        tiny=True,
    )
    return stage("evidence.Evidence")(setting)


def figures_of(evidence: Any, stage: str) -> dict[str, Any]:
    """A stage's figures as they stand on disk, after a look that none of them is an error."""
    stored = json.loads((evidence.setting.out / "evidence.json").read_text())
    assert stored == evidence.read()
    found: dict[str, Any] = stored[stage]
    assert not {name: value for name, value in found.items() if isinstance(value, dict) and "error" in value}
    return found


def test_the_machine_is_described(stage: Callable[[str], Any], evidence: Any) -> None:
    stage("machine.describe_machine")(evidence)
    found = figures_of(evidence, "env")
    assert found["torch"] == torch.__version__
    assert found["versions"]["numpy"] != "missing"
    assert found["facts"]["value"]["device_type"] == "cpu"
    evidence.add("env", lost=float("nan"))
    assert figures_of(evidence, "env")["lost"] is None  # in JSON that every program reads


@pytest.mark.slow
def test_steps_loops_and_inference_are_timed(stage: Callable[[str], Any], evidence: Any) -> None:
    for function in ("speed.time_steps", "speed.time_compiled", "peers.time_loops"):
        stage(function)(evidence, ["resnet20"])
    stage("inference.time_inference")(evidence)
    steps, compiled = figures_of(evidence, "steps"), figures_of(evidence, "compiled")
    assert len(steps) == 4
    assert all(value["value"]["us_a_step"] > 0 for value in [*steps.values(), compiled["resnet20"]])
    assert compiled["resnet20"]["value"]["execution"] == "compiled"
    loops = figures_of(evidence, "loop")
    assert {"resnet20: DataLoader loop", "resnet20: pytorchcv resnet20"} <= set(loops)
    assert {one["value"]["precision"] for one in loops.values()} == {"fp32"}
    inference = figures_of(evidence, "infer")
    assert len(inference) == 2 * 3 * 2 + 2
    assert inference["resnet20 batch 16 optimize, compiled"]["value"]["largest_difference"] < 0.1


def test_the_kernels_of_a_step_are_listed(stage: Callable[[str], Any], evidence: Any) -> None:
    stage("speed.profile_steps")(evidence, ["resnet20"])
    found = figures_of(evidence, "profile")
    assert set(found) == {"resnet20 eager", "resnet20 recorded"}
    assert found["resnet20 eager"]["value"] == {"kernels_a_step": 0, "kernel_us_a_step": 0, "top": []}  # on a CPU


@pytest.mark.slow
def test_all_ways_to_train_are_compared(stage: Callable[[str], Any], evidence: Any) -> None:
    names = stage("smoke.NAMES")
    for name in names:
        stage("smoke_ways.run_way")(evidence, [name])
    stage("smoke.conclude")(evidence)
    found = {name: json.loads(stage("smoke.answer_file")(evidence.setting, name).read_text()) for name in names}
    assert not [name for name, answer in found.items() if "error" in answer]
    whole, resumed = found["eager_fp32"]["value"], found["stopped_at_30_and_resumed_fp32"]["value"]
    assert resumed["train_loss"] == [row[0] for row in whole["rows"]]
    assert found["cpu_fp32_first_epoch"]["value"]["rows"] == whole["rows"][:1]
    assert figures_of(evidence, "smoke") == {"mode": "recorded", "recorded_follows_eager": True}


def test_where_the_recorded_run_differs_later_stages_run_eagerly(stage: Callable[[str], Any], evidence: Any) -> None:
    for name in stage("smoke.NAMES"):
        loss = 3.0 if name == "recorded_bf16" else 2.0
        answer = {"value": {"rows": [[loss, 90.0, 2.0, 90.0]]}}
        stage("smoke.answer_file")(evidence.setting, name).write_text(json.dumps(answer))
    assert stage("smoke.records_steps")(evidence.setting)
    stage("smoke.conclude")(evidence)
    assert figures_of(evidence, "smoke") == {"mode": "eager", "recorded_follows_eager": False}
    assert not stage("smoke.records_steps")(evidence.setting)


def test_what_fails_is_a_figure_and_what_comes_too_late_is_left(stage: Callable[[str], Any], evidence: Any) -> None:
    def fail() -> None:
        raise ValueError("no such kernel")

    evidence.measure("steps", "broken", fail)
    late = stage("evidence.Setting")(evidence.setting.state, evidence.setting.out, FOLDER, time.time(), "cpu")
    for name in ("late", "broken"):
        stage("evidence.Evidence")(late).measure("steps", name, fail)
    found = evidence.read()["steps"]
    assert found["broken"]["error"] == "ValueError: no such kernel"  # as before: there was no time for another try
    assert "raise ValueError" in found["broken"]["where"]
    assert found["late"] == "no time left"


@pytest.mark.slow
def test_runs_stop_in_time_and_go_on(
    stage: Callable[[str], Any], evidence: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--recipe", "QUICK20", "--models", "plainnet20", "resnet20", "--seeds", "0", "1", "--at-once", "3"]
    setting, train = evidence.setting, stage("train.train")
    questions = iter(range(1_000))
    monkeypatch.setattr(type(setting), "seconds_left", lambda _: SECONDS if next(questions) < 12 else 1)
    train(evidence, words)  # ten steps a run: in the third step of the second one the time is nearly over
    (summary,) = (value for name, value in figures_of(evidence, "train").items() if name.startswith("summary"))
    assert (summary["interrupted"], summary["done"], summary["not_begun"]) == (True, 1, 2)
    assert summary["unfinished"] == ["resnet20-QUICK20-2ep-seed0"]

    monkeypatch.setattr(type(setting), "seconds_left", lambda _: SECONDS)
    stage("packing.pack")(evidence)
    with tarfile.open(setting.out / "unfinished-1.tar") as archive:
        states = [Path(name).parent.name for name in archive.getnames()]
    assert states == summary["unfinished"]

    train(evidence, words)
    found = figures_of(evidence, "train")
    (summary,) = (value for name, value in found.items() if name.startswith("summary"))
    assert (summary["interrupted"], summary["done"], summary["not_begun"]) == (False, 4, 0)
    assert summary["unfinished"] == []
    counts = {name.split(" (")[0]: count for name, (_, count) in summary["test_errors"].items()}
    assert counts == {"plainnet8": 2, "resnet8": 2}
    assert found["resnet20-QUICK20-2ep-seed1"]["epochs"] == 2

    (setting.runs / "resnet20-QUICK20-2ep-seed0" / "weights.safetensors").unlink()
    stage("product.collect_records")(evidence)
    records = figures_of(evidence, "runs")
    assert records["weights of resnet20-QUICK20-2ep-seed0"]["value"] == "weights.safetensors"
    assert records["runs/plainnet20-QUICK20-2ep-seed1"]["value"]["epochs"] == 2
    stage("packing.pack")(evidence)
    with tarfile.open(setting.out / "weights-1.tar") as archive:
        files = [Path(name).name for name in archive.getnames()]
    assert sorted(files) == ["test_logits.safetensors"] * 2 + ["weights.safetensors"] * 2
    with tarfile.open(setting.out / "records.tar.gz") as archive:
        assert len([name for name in archive.getnames() if name.endswith("run.json")]) == 4


@pytest.mark.slow
def test_a_run_that_fails_is_a_figure(stage: Callable[[str], Any], evidence: Any) -> None:
    (evidence.setting.runs / "resnet20-QUICK20-2ep-seed0").mkdir()
    broken = evidence.setting.runs / "resnet20-QUICK20-2ep-seed0" / "weights.safetensors"
    broken.mkdir()  # weights cannot be written there
    words = ["--recipe", "QUICK20", "--models", "resnet20", "--seeds", "0", "1"]
    stage("train.train")(evidence, words)
    found = evidence.read()["train"]
    assert "Error" in found["resnet20-QUICK20-2ep-seed0"]["error"]
    assert found["resnet20-QUICK20-2ep-seed1"]["epochs"] == 2


def test_goals_by_hand(stage: Callable[[str], Any]) -> None:
    def steps(microseconds: float) -> dict[str, Any]:
        return {"value": {"us_a_step": microseconds}}

    figures = {
        "steps": {
            "resnet20 eager bf16": steps(3_000),
            "resnet20 recorded bf16": steps(1_000),
            "resnet20 recorded bf16, 4 side by side": steps(700),
            "resnet20 recorded bf16, 8 side by side": steps(500),
            "resnet56 recorded bf16, 8 side by side": steps(1_400),
            "resnet110 recorded bf16, 8 side by side": steps(2_750),
            "resnet110 recorded bf16, 16 side by side": {"error": "OutOfMemoryError"},
            "resnet20 peak_mib": 900,
        },
        "compiled": {"resnet20": "no time left"},
        "loop": {"resnet20: DataLoader loop": steps(20_000), "resnet20: missing": ["timm"]},
        "runs": {
            "alone/resnet20-seed0": {"value": {"train_seconds": 7.0, "test_seconds": 0.5, "epochs": 20}},
            "alone/plainnet20-seed0": {"value": {"train_seconds": 1.0, "test_seconds": 0.5, "epochs": 1}},
            "runs/resnet20-QUICK20-20ep-seed0": {"value": {"train_seconds": 9.0, "test_seconds": 1, "epochs": 20}},
        },
    }
    found = stage("goals.goals_of")(figures)
    assert {name: (one["figure"], one["unit"], one["goal"]) for name, one in found.items()} == {
        "resnet20's step, recorded, over the DataLoader loop": (20.0, "times", "above 15"),
        "resnet20's step, side by side, over the DataLoader loop": (40.0, "times", "above 15"),
        "resnet20's step, recorded, over eager steps, the data on the device": (3.0, "times", ""),
        "resnet20's step, side by side, over eager steps, the data on the device": (6.0, "times", ""),
        "20 epochs of resnet20-seed0 alone": (7.5, "seconds", "below 10"),
        # 500, 800, 1100, 1400 and 2750 us, of two families, 64,000 times
        "64,000 steps of plain and residual networks of 20 to 110 layers, projected": (13.97, "minutes", "below 25"),
    }
    assert stage("goals.goals_of")({}) == {}
    assert set(stage("goals.goals_of")({**figures, "steps": {}})) == {"20 epochs of resnet20-seed0 alone"}


def test_the_performance_page_shows_the_figures(stage: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("docutils", reason="comes with the tools for the documentation")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    shown = importlib.import_module("cuda_evidence")
    facts = bench.Environment.find("cpu", "bf16").facts() | {"device": "Acme"}
    step, late = {"value": {"us_a_step": 2_000.0, "precision": "fp32"}}, "no time left"
    run = {"value": {"test_error": 12.345, "train_seconds": 7.04, "test_seconds": 1}}
    figures = {
        "env": {"facts": {"value": facts}},
        "steps": {"resnet20 eager bf16": step, "resnet56 eager bf16": late, "resnet20 peak_mib": 900},
        "compiled": {"resnet20": step},
        "loop": {"resnet20: DataLoader loop": step, "resnet20: timm resnet18": {"error": "OutOfMemoryError"}},
        "runs": {"alone/resnet20-seed0": run, "weights of resnet20": {"value": "weights.safetensors"}},
        "goals": {"one": {"figure": 1234.5, "unit": "times", "goal": ""}},
    }
    rows = {name: rows_of(figures) for name, (_, rows_of) in shown.TABLES.items()}
    assert rows["steps"] == [
        ("resnet20 eager bf16", "2.00", "64,000"),
        ("resnet20 compiled and recorded bf16", "2.00", "64,000"),
        ("DataLoader loop eager fp32", "2.00", "64,000"),
    ]
    assert rows["runs"] == [("resnet20-seed0", "12.35", "7.0", "1.0")]
    assert rows["goals"] == [("one", "1,234.5 times", "-")]
    assert ("resnet110", "QUICK20", "0", "13", "14.45", "21.76") in rows["stopped"]
    assert shown.facts_of(figures).startswith("Acme, bf16, peers in torch's fp32 without TF32, torch ")


def test_the_committed_figures_of_cuda_belong_to_one_commit_and_device() -> None:
    folder = ROOT / "docs" / "results" / "cuda"
    figures = json.loads((folder / "evidence.json").read_text())
    facts = figures["env"]["facts"]["value"]
    records = resnetzoo.read_records(folder / "cifar_compare" / "results.json")
    assert {(record.device, record.commit) for record in records} == {(facts["device"], facts["commit"])}
    assert {f"alone/{record.name}-seed{record.seed}": record.epochs[-1].test_error for record in records} == {
        name: one["value"]["test_error"] for name, one in figures["runs"].items()
    }


def test_where_a_graph_would_be_recorded_the_step_can_stay_eager(
    stage: Callable[[str], Any],
    tiny_model: resnetzoo.CifarNet,
    tiny_data: resnetzoo.Data,
    tiny_recipe: resnetzoo.Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "recorder_for", lambda stream: OpRecorder())

    def recorded() -> bool:
        with open_trainer(tiny_model, tiny_data, tiny_recipe, device="cpu") as trainer:
            return trainer.execution.recorded

    assert recorded()
    with stage("internals.eagerly")():
        assert not recorded()
    with stage("internals.eagerly")(wanted=False):
        assert recorded()


def test_every_stage_that_the_script_names_is_there(stage: Callable[[str], Any]) -> None:
    words = (FOLDER / "evidence.sh").read_text().split()
    stages = stage("stages.STAGES")
    named = {words[place + 4] for place, word in enumerate(words) if word == "measure" and words[place + 2].isdigit()}
    assert {"env", "smoke", "steps", "compiled", "train", "example", "walls"} <= named <= set(stages)
    for module, function in stages.values():
        assert callable(stage(f"{module}.{function}"))


def test_the_script_says_what_it_takes() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    said = subprocess.run([bash, str(FOLDER / "evidence.sh"), "third"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (2, 'evidence.sh first, or evidence.sh second, not "third"\n')
