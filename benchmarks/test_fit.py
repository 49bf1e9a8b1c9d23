"""`fit` from end to end, against the loop of the tutorials: the same network, its images loaded and augmented."""

from dataclasses import replace

import pytest
from cases import RACED
from harness import Harness

from resnetzoo import bench

STEPS = 8  # of an epoch of 128 images each; the loop's epochs have 100


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.short][: name == "resnet20"]) for name in RACED]
)
def test_fit(harness: Harness, name: str) -> None:
    setting = harness.setting
    fit = bench.epoch(name, batch_size=128, environment=setting.environment, steps=STEPS)
    baselines = bench.step_baselines(name, batch_size=128, device=setting.environment.device, steps=STEPS)
    if any(candidate.name == bench.LOOP for candidate in baselines.candidates):
        baselines = replace(baselines, peer=bench.LOOP)
    harness.race(fit, baselines)
