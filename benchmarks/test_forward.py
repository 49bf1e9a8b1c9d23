"""Inference through `optimize`, against the same network and the resnet18 of other libraries."""

import pytest
from cases import COMPILED, RACED, network_cases
from harness import Harness

from resnetzoo import bench


@network_cases()
def test_forward(harness: Harness, name: str, batch_size: int, compiled: bool) -> None:
    setting = harness.setting
    if compiled and not (name in COMPILED or setting.compile_all):
        pytest.skip("compiled with --compile-all")
    harness.skip_unaffordable(name, batch_size, training=False)
    ours = bench.forward(name, batch_size=batch_size, environment=setting.environment, compiled=compiled)
    baselines = bench.NO_BASELINES
    if name in RACED:
        baselines = bench.forward_baselines(name, batch_size=batch_size, device=setting.environment.device)
    harness.race(ours, baselines)
