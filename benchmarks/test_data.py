"""Loading data: CIFAR-10 from its files, and an epoch of augmented batches against a DataLoader."""

import pytest
import torch
from harness import Harness

import resnetzoo
from resnetzoo import bench


@pytest.mark.short
def test_batches(harness: Harness) -> None:
    images = resnetzoo.synthetic(train_images=2_048, test_images=1).train
    environment = harness.setting.environment
    baselines = bench.batches_baselines(images, batch_size=128)
    ours = bench.batches(images, batch_size=128, environment=environment)
    harness.race(ours, baselines, calibration=bench.memory_copy())


@pytest.mark.short
def test_synthetic(harness: Harness) -> None:
    ours = bench.Candidate("resnetzoo synthetic", bench.TimedCall(draw, torch.device("cpu")), images=2_048)
    harness.race(ours, calibration=bench.memory_copy())


@pytest.mark.short
def test_cifar10(harness: Harness) -> None:
    """Reading, checking and fingerprinting all 60,000 images, from wherever they are found."""
    try:
        resnetzoo.cifar10()
    except resnetzoo.ResnetzooError as error:
        pytest.skip(str(error))
    read = bench.TimedCall(lambda: resnetzoo.cifar10().fingerprint, torch.device("cpu"))
    harness.race(bench.Candidate("resnetzoo cifar10", read, images=60_000), calibration=bench.memory_copy())


def draw() -> resnetzoo.Data:
    return resnetzoo.synthetic(train_images=2_047, test_images=1)
