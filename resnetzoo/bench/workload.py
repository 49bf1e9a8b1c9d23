"""What all candidates do alike: the images that they get, and how training is counted."""

import torch

from resnetzoo.models.complexity import complexity

TRAINING_PASSES = 3  # of a convolution in a step: forward, gradient of its input, gradient of its weights


def random_images(batch_size: int, device: torch.device) -> torch.Tensor:
    """Normal noise, (n, 3, 32, 32)."""
    return torch.randn(batch_size, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)


def training_flop(name: str, batch_size: int) -> int:
    """Floating-point operations of one training step of a network of the zoo, two a multiply-add."""
    return 2 * TRAINING_PASSES * complexity(name).macs * batch_size
