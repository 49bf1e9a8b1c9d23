"""`fit` from end to end, against the loop of the tutorials: the same network, its images loaded and augmented."""

from dataclasses import replace

import pytest
from cases import RACED
from harness import Harness

from resnetzoo import bench

STEPS = 8  # of an epoch of 128 images each


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.short][: name == "resnet20"]) for name in RACED]
)
def test_fit(harness: Harness, name: str) -> None:
    setting = harness.setting
    fit = bench.epoch(name, batch_size=128, place=setting.place, steps=STEPS)
    rivals = bench.step_rivals(name, batch_size=128, device=setting.place.device, steps=STEPS)
    if any(contestant.name == bench.LOOP for contestant in rivals.contestants):
        rivals = replace(rivals, peer=bench.LOOP)
    harness.race(fit, rivals)
