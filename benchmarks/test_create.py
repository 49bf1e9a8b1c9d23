"""How long `create` takes; the peers build the same number of layers."""

import pytest
import torch
from cases import NAMES
from harness import Harness

import resnetzoo
from resnetzoo import bench

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.short][: name in ("resnet20", "resnet56")]) for name in NAMES]
)
def test_create(harness: Harness, name: str) -> None:
    ours = bench.Candidate(f"resnetzoo {name}", bench.TimedCall(lambda: resnetzoo.create(name, seed=0), CPU))
    harness.race(ours, bench.create_baselines(name), calibration=bench.interpreter())
