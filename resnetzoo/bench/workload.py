"""What all candidates share: their images, the count of operations in training, and the settings of the peers."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from resnetzoo.models.complexity import complexity
from resnetzoo.utils.fp32 import cudnn_benchmark, shortens_fp32

TRAINING_PASSES = 3  # passes of a convolution in a step: forward, gradient of its input, gradient of its weights


def random_images(batch_size: int, device: torch.device) -> torch.Tensor:
    """Normally distributed noise, (n, 3, 32, 32)."""
    return torch.randn(
        batch_size, 3, 32, 32, dtype=torch.float32, device="cpu", generator=torch.Generator().manual_seed(0)
    ).to(device)


def peer_precision(device: torch.device) -> str:
    """The precision of peers whose code uses fp32 with torch's default settings."""
    return "fp32 (TF32)" if shortens_fp32(device) else "fp32"


@contextmanager
def peer_settings(device: torch.device) -> Iterator[None]:
    """A block in which cuDNN searches for its fastest algorithms, as in a long run of `fit`; TF32 keeps its setting."""
    with cudnn_benchmark(True if device.type == "cuda" else None):
        yield


def training_flop(name: str, batch_size: int) -> int:
    """Floating-point operations of one training step of a network of the zoo, two per multiply-add."""
    return 2 * TRAINING_PASSES * complexity(name).macs * batch_size
