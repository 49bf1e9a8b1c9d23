"""Ours and a peer on equal terms: who takes part, and what the record says; nothing is compiled here."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cases import ROOT, Call

from resnetzoo.bench import peers


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    pytest.importorskip("cpuinfo", reason="the race names the processor by py-cpuinfo, of the extra bench")
    content = runpy.run_path(str(ROOT / "benchmarks" / "equal_terms.py"))
    return content["main"]  # type: ignore[no-any-return]


@pytest.mark.slow
def test_each_takes_part_twice_in_one_precision(
    script: Callable[[], int], call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pytorchcv")
    monkeypatch.setattr(torch, "compile", lambda network, **options: network)
    call(
        script,
        "resnet20",
        "--batch-size",
        "2",
        "--rounds",
        "1",
        "--device",
        "cpu",
        "--beside",
        "this test",
        "--out",
        ".",
    )
    (path,) = tmp_path.glob("*-fp32-batch-2.json")
    found = json.loads(path.read_text())
    assert (found["precision"], found["rounds"], found["beside"]) == ("fp32", 1, "this test")
    assert found["recorded"]
    assert found["versions"]["pytorchcv"]
    races: dict[str, list[str]] = {}
    for row in found["rows"]:
        races.setdefault(row["work"], []).append(row["name"])
        assert row["precision"] == "fp32"
        assert row["images_per_second"] > 0
        assert (row["ratio"] == 1) == (row["name"] == "pytorchcv resnet20")
    each = ["resnetzoo resnet20", "pytorchcv resnet20"]
    names = [name for who in each for name in (who, f"{who}, compiled")]
    assert races == {"resnet20, inference, batch 2": names, "resnet20, training, batch 2": names}


def test_wider_networks_have_peers_of_as_many_parameters() -> None:
    for name, count in (("resnet18", 11_173_962), ("wrn16_4", 2_748_890)):
        with torch.device("meta"):
            assert sum(parameter.numel() for parameter in peers.TWINS[name].build().parameters()) == count
