"""Images of any size as squares, by the interpolation of torch.

Sizes, crops and rounding are those of torchvision's `resize` and `center_crop`, bit for bit. torchvision itself is not
needed for that: its import takes seconds, and fails beside another build of torch.
"""

import torch
from torch import Tensor
from torch.nn import functional

_LONGEST = 32  # times the shorter side: what is kept of the longer one before resizing


def square(pixels: Tensor, size: int) -> Tensor:
    """uint8 or floats from 0 to 1, (..., C, H, W) -> (..., C, size, size): shorter side resized, middle cropped."""
    if pixels.shape[-2:] == (size, size):
        return pixels
    resized = _resize(_middle(pixels), size)
    for dim in (-2, -1):
        resized = resized.narrow(dim, round((resized.shape[dim] - size) / 2), size)
    return resized.clamp(0, 1) if resized.is_floating_point() else resized  # resizing overshoots


def _middle(pixels: Tensor) -> Tensor:
    """The middle of an image that is very long, so that resizing computes little that is cropped away: (..., H, W)."""
    shorter = min(pixels.shape[-2:])
    for dim in (-2, -1):
        surplus = (pixels.shape[dim] - _LONGEST * shorter) // 2  # on either side
        if surplus > 0:
            pixels = pixels.narrow(dim, surplus, pixels.shape[dim] - 2 * surplus)
    return pixels


def _resize(pixels: Tensor, size: int) -> Tensor:
    """(..., C, H, W) -> the same with a shorter side of `size`, bicubic with antialiasing, in the type it came in."""
    shorter = min(pixels.shape[-2:])
    if shorter == size:
        return pixels
    sides = [int(size * side / shorter) for side in pixels.shape[-2:]]
    batch = pixels.reshape(-1, *pixels.shape[-3:])
    if pixels.dtype not in _interpolated(pixels.device):
        batch = batch.float()
    if size == 1 and batch.dtype == torch.uint8:  # torch's path for bytes otherwise takes one pixel for another layout
        batch = batch.contiguous(memory_format=torch.channels_last)
    batch = functional.interpolate(batch, sides, mode="bicubic", align_corners=False, antialias=True)
    if pixels.dtype == torch.uint8 and batch.is_floating_point():
        batch = batch.clamp(0, 255).round()
    return batch.to(pixels.dtype).reshape(*pixels.shape[:-2], *sides)


def _interpolated(device: torch.device) -> tuple[torch.dtype, ...]:
    """The types that are interpolated as they are: halves would lose digits, and torch takes bytes on a CPU alone."""
    floats = (torch.float32, torch.float64)
    return (*floats, torch.uint8) if device.type == "cpu" else floats
