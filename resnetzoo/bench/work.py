"""What all contestants do alike: the images that they get, and how training is counted."""

import torch

TRAINING_PASSES = 3  # of a convolution in a step: forward, gradient of its input, gradient of its weights


def random_images(batch_size: int, device: torch.device) -> torch.Tensor:
    """Normal noise, (n, 3, 32, 32)."""
    return torch.randn(batch_size, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)
