"""The command above a report: it makes the runs below it again, wherever they were computed."""

import json
import re
import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import ROOT, Call
from PIL import Image

import resnetzoo
from resnetzoo import cli
from resnetzoo.reproduce import read_results
from resnetzoo.reproduce.command import command_of
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.device import device_name, threads_in, type_of_named

RESULTS = ROOT / "docs" / "results"


@pytest.fixture
def record() -> RunRecord:
    return read_results(RESULTS / "source" / "results.json").records[0]


@pytest.fixture
def threads() -> Iterator[int]:
    """Those of torch, which the test may change."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("device", "precision", "execution", "command"),
    [
        ("CPU AVX512, 1 threads", "bf16", "eager", "OMP_NUM_THREADS=1 a 'b c' --device cpu --precision bf16"),
        ("CPU DEFAULT, 16 threads", "fp32", "compiled", "OMP_NUM_THREADS=16 a 'b c' --device cpu --precision fp32"),
        ("NVIDIA H100 80GB HBM3", "bf16", "compiled and recorded", "a 'b c' --device cuda --precision bf16"),
        ("NVIDIA H200", "bf16", "eager", "a 'b c' --device cuda --precision bf16 --no-record"),
        ("mps", "fp32", "eager", "a 'b c' --device mps --precision fp32"),
        ("cpu", "fp32", "eager", "a 'b c' --device cpu --precision fp32"),
    ],
)
def test_a_command_says_where_the_runs_were_computed(
    record: RunRecord, device: str, precision: str, execution: str, command: str
) -> None:
    run = replace(record, device=device, precision=precision, execution=execution)
    assert command_of(["a", "b c"], [run, replace(run, seed=1)]) == command


def test_runs_of_several_places_are_counted_behind_the_command(record: RunRecord) -> None:
    places = ["CPU AVX512, 1 threads", "CPU AVX512, 2 threads", "NVIDIA H200", "CPU AVX512, 1 threads"]
    records = [replace(record, seed=seed, device=device) for seed, device in enumerate(places)]
    assert command_of(["a"], records) == (
        "OMP_NUM_THREADS=1 a --device cpu --precision bf16  # 2 of the 4 runs; 1 with OMP_NUM_THREADS=2 --device cpu "
        "--precision bf16, 1 with --device cuda --precision bf16 --no-record"
    )


def test_the_name_of_a_device_says_its_type_and_its_threads(threads: int) -> None:
    name = device_name(torch.device("cpu"))
    assert (type_of_named(name), threads_in(name)) == ("cpu", threads)


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in RESULTS.glob("*/report.md")))
def test_committed_commands_are_those_of_their_records(folder: str) -> None:
    stored = read_results(RESULTS / folder / "results.json")
    _, chosen, _ = re.split("(resnetzoo .*) --device ", stored.command)
    assert command_of(shlex.split(chosen), stored.records) == stored.command


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_a_report_is_made_again_elsewhere_with_the_command_of_its_runs(
    call: Call, threads: int, tmp_path: Path
) -> None:
    words = ["reproduce", "source", "--budget", "smoke", "--dataset", "synthetic", "--seeds", "3,", "--no-record"]
    words += ["--device", "cpu", "--precision", "fp32", "--out"]

    def made(out: str, *more: str) -> str:
        assert call(cli.main, *words, str(tmp_path / out), *more)[0] == 0
        stored: str = json.loads((tmp_path / out / "results.json").read_text())["command"]
        assert f"```sh\n{stored}\n```" in (tmp_path / out / "report.md").read_text()
        return stored

    first = made("a")
    assert first == (
        f"OMP_NUM_THREADS={threads} resnetzoo reproduce source --budget smoke --dataset synthetic --seeds 3, "
        "--device cpu --precision fp32"
    )
    torch.set_num_threads(threads + 1)
    assert made("a") == first
    assert made("b", "--runs", str(tmp_path / "a" / "runs")) == first
    (tmp_path / "a" / "runs" / "resnet20-SMOKE-2ep-seed3" / "run.json").unlink()
    (tmp_path / "a" / "runs" / "resnet20-SMOKE-2ep-seed3" / "checkpoint.pt").unlink()
    mixed = made("a")
    again = f"OMP_NUM_THREADS={threads + 1} --device cpu --precision fp32"
    assert mixed == f"{first}  # 1 of the 2 runs; 1 with {again}"
    assert resnetzoo.read_records(tmp_path / "a" / "results.json")[1].device.endswith(f", {threads + 1} threads")


@pytest.mark.parametrize("dataset", ["synthetic", "folder"])
@pytest.mark.usefixtures("few_images")
def test_the_command_has_a_place_for_the_folder_of_images(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(5):
            picture = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
            picture.save(tmp_path / "pets" / name / f"{number}.png")
    commands: list[str] = []

    def run_plan(*_: object, command: Callable[[list[RunRecord]], str], **__: object) -> Namespace:
        commands.append(command([read_results(RESULTS / "source" / "results.json").records[0]]))
        return Namespace(verdicts=(), failed={})

    monkeypatch.setattr(resnetzoo.reproduce, "run_plan", run_plan)
    where = ["--data-dir", str(tmp_path / "pets"), "--image-size", "8"] if dataset == "folder" else []
    assert call(cli.main, "reproduce", "source", "--budget", "smoke", "--dataset", dataset, *where) == (0, "")
    placed = " --data-dir FOLDER --image-size 8" if dataset == "folder" else ""
    assert f"--budget smoke --dataset {dataset}{placed} --device cpu" in commands[0]
