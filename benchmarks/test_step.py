"""A training step inside `fit`, its batch cut and augmented, against eager steps on a batch that is there already."""

import pytest
from cases import COMPILED, RACED, network_cases
from harness import Harness

from resnetzoo import bench


@network_cases()
def test_step(harness: Harness, name: str, batch_size: int, compiled: bool) -> None:
    setting = harness.setting
    if compiled and not (name in COMPILED or setting.compile_all):
        pytest.skip("compiled with --compile-all")
    harness.skip_unaffordable(name, batch_size, training=True)
    on_cpu = setting.environment.device.type == "cpu"
    steps = (16 if batch_size == 1 else 2) if on_cpu else 50
    ours = bench.step(
        name,
        batch_size=batch_size,
        environment=setting.environment,
        compiled=compiled,
        steps=steps,
    )
    baselines = bench.NO_BASELINES
    if name in RACED:
        device = setting.environment.device
        baselines = bench.step_baselines(name, batch_size=batch_size, device=device, loop=False)
    harness.race(ours, baselines)
