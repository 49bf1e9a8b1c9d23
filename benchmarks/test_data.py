"""Loading data: CIFAR-10 from its files, and an epoch of augmented batches against a DataLoader."""

import pytest
import torch
from harness import Harness

import resnetzoo
from resnetzoo import bench


@pytest.mark.short
def test_batches(harness: Harness) -> None:
    images = resnetzoo.synthetic(train_images=2_048, test_images=1).train
    place = harness.setting.place
    rivals = bench.batches_rivals(images, batch_size=128)
    harness.race(bench.batches(images, batch_size=128, place=place), rivals, calibration=bench.memory_copy())


@pytest.mark.short
def test_synthetic(harness: Harness) -> None:
    ours = bench.Contestant("resnetzoo synthetic", bench.TimedCall(draw, torch.device("cpu")), images=2_048)
    harness.race(ours, calibration=bench.memory_copy())


@pytest.mark.short
def test_cifar10(harness: Harness) -> None:
    """Reading, checking and fingerprinting all 60,000 images, from wherever they are found."""
    try:
        resnetzoo.cifar10()
    except resnetzoo.ResnetzooError as error:
        pytest.skip(str(error))
    read = bench.TimedCall(lambda: resnetzoo.cifar10().fingerprint, torch.device("cpu"))
    harness.race(bench.Contestant("resnetzoo cifar10", read, images=60_000), calibration=bench.memory_copy())


def draw() -> resnetzoo.Data:
    return resnetzoo.synthetic(train_images=2_047, test_images=1)
