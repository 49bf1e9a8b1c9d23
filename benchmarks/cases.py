"""What is timed: every registered network at three batches, a few of them compiled and against peers."""

import pytest

import resnetzoo

NAMES = resnetzoo.list_models()
BATCHES = (1, 128, 512)
COMPILED = ("resnet20", "resnet56", "resnet18", "wrn16_4")  # with --compile-all all: a compilation takes up to minutes
RACED = COMPILED  # those that pytorchcv or torchvision has too, by the same number of layers
SHORT = ("resnet20", 128)


def network_cases() -> pytest.MarkDecorator:
    """Parametrises a benchmark over name, batch and whether it is compiled."""
    return pytest.mark.parametrize(
        ("name", "batch_size", "compiled"),
        [
            pytest.param(
                name,
                batch,
                compiled,
                id=f"{name}-{batch}-{'compiled' if compiled else 'eager'}",
                marks=[pytest.mark.short] if (name, batch) == SHORT else [],
            )
            for name in NAMES
            for batch in BATCHES
            for compiled in (False, True)
        ],
    )
