"""Resize and crop images of any size to squares, by the interpolation of torch.

Sizes, crops and rounding are those of torchvision's `resize` and `center_crop`, bit for bit. torchvision itself is not
needed: its import takes seconds, and fails with a build of torch that it does not match.
"""

import torch
from torch import Tensor
from torch.nn import functional

_LONGEST = 32  # times the shorter side: the length that is kept of the longer side before resizing


def square(pixels: Tensor, size: int) -> Tensor:
    """uint8 or floats from 0 to 1, (..., C, H, W) -> (..., C, size, size): shorter side resized, middle cropped."""
    if pixels.shape[-2:] == (size, size):
        return pixels
    resized = _resize(_middle(pixels), size)
    for dim in (-2, -1):
        resized = resized.narrow(dim, round((resized.shape[dim] - size) / 2), size)
    return resized.clamp(0, 1) if resized.is_floating_point() else resized  # resizing overshoots


def _middle(pixels: Tensor) -> Tensor:
    """The middle of a very long image (..., H, W), so that little of what resizing computes is cropped away."""
    shorter = min(pixels.shape[-2:])
    for dim in (-2, -1):
        surplus = (pixels.shape[dim] - _LONGEST * shorter) // 2  # on either side
        if surplus > 0:
            pixels = pixels.narrow(dim, surplus, pixels.shape[dim] - 2 * surplus)
    return pixels


def _resize(pixels: Tensor, size: int) -> Tensor:
    """(..., C, H, W) -> the same type with a shorter side of `size`, by bicubic interpolation with antialiasing."""
    shorter = min(pixels.shape[-2:])
    if shorter == size:
        return pixels
    sides = [int(size * side / shorter) for side in pixels.shape[-2:]]
    batch = pixels.reshape(-1, *pixels.shape[-3:])
    if pixels.dtype not in _interpolated(pixels.device):
        batch = batch.float()
    if size == 1 and batch.dtype == torch.uint8:  # torch's path for uint8 otherwise mistakes the layout of one pixel
        batch = batch.contiguous(memory_format=torch.channels_last)
    batch = functional.interpolate(batch, sides, mode="bicubic", align_corners=False, antialias=True)
    if pixels.dtype == torch.uint8 and batch.is_floating_point():
        batch = batch.clamp(0, 255).round()
    return batch.to(pixels.dtype).reshape(*pixels.shape[:-2], *sides)


def _interpolated(device: torch.device) -> tuple[torch.dtype, ...]:
    """The types that are interpolated directly: half precision would lose digits, and uint8 works only on a CPU."""
    floats = (torch.float32, torch.float64)
    return (*floats, torch.uint8) if device.type == "cpu" else floats
