"""Images become squares as by torchvision, the independent oracle, bit for bit."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode, functional

from resnetzoo.data import resizing
from resnetzoo.data.transforms import as_pixels

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def by_torchvision(pixels: torch.Tensor, size: int) -> torch.Tensor:
    resized = functional.resize(pixels, [size], InterpolationMode.BICUBIC, antialias=True)
    cropped = functional.center_crop(resized, [size, size])
    return cropped.clamp(0, 1) if cropped.is_floating_point() else cropped


@given(
    lead=st.sampled_from([(), (1,), (3,), (0,)]),
    channels=st.integers(1, 4),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    size=st.integers(2, 70),
    dtype=st.sampled_from([torch.uint8, *FLOATS]),
    channels_last=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_every_size_and_type(
    lead: tuple[int, ...],
    channels: int,
    height: int,
    width: int,
    size: int,
    dtype: torch.dtype,
    channels_last: bool,
    seed: int,
) -> None:
    """Also where one side is up to 32 times as long as the other; of longer ones the ends are not looked at."""
    height, width = (min(side, 32 * min(height, width)) for side in (height, width))
    shape = (*lead, channels, height, width)
    pixels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    pixels = pixels if dtype == torch.uint8 else (pixels / 255).to(dtype)
    if channels_last:
        pixels = pixels.movedim(-3, -1).contiguous().movedim(-1, -3)
    found = resizing.square(pixels, size)
    assert found.dtype == dtype
    assert found.shape == (*lead, channels, size, size)
    assert torch.equal(found, by_torchvision(pixels, size))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("lead", [(), (1,), (3,)], ids=str)
@pytest.mark.parametrize("dtype", [torch.uint8, *FLOATS], ids=str)
def test_a_single_pixel(channels: int, lead: tuple[int, ...], dtype: torch.dtype) -> None:
    """torch fails on bytes of three channels in rows, so those for torchvision lie as in the pixels of a file."""
    pixels = torch.randint(0, 256, (*lead, channels, 69, 46), generator=torch.Generator().manual_seed(0))
    pixels = pixels.to(torch.uint8) if dtype == torch.uint8 else (pixels / 255).to(dtype)
    as_in_files = pixels.movedim(-3, -1).contiguous().movedim(-1, -3)
    expected = by_torchvision(as_in_files if dtype == torch.uint8 else pixels, 1)
    assert torch.equal(resizing.square(pixels, 1), expected)
    assert torch.equal(resizing.square(as_in_files, 1), by_torchvision(as_in_files, 1))


def test_bytes_where_torch_interpolates_floats_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on CUDA: what torchvision makes of them as floats, rounded."""
    monkeypatch.setattr(resizing, "_interpolated", lambda device: (torch.float32, torch.float64))
    pixels = torch.randint(0, 256, (2, 3, 57, 45), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    as_floats = functional.resize(pixels.float(), [32], InterpolationMode.BICUBIC, antialias=True)
    expected = functional.center_crop(as_floats, [32, 32]).clamp(0, 255).round().to(torch.uint8)
    assert torch.equal(resizing.square(pixels, 32), expected)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_of_an_image(mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 51, 3), np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    found, expected = as_pixels(image, channels=len(mode)), functional.pil_to_tensor(image)
    assert torch.equal(found, expected)
    assert found.stride() == expected.stride()
