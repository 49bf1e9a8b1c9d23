"""The places of windows against padding and cropping by torchvision, from a table and without one."""

import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from resnetzoo.data.constants import PaddingMode
from resnetzoo.data.windows import Windows

CPU = torch.device("cpu")


@pytest.mark.parametrize("table_bytes", [0, 1 << 20], ids=["computed", "a table"])
@pytest.mark.parametrize("mode", ["zeros", "reflect"])
@pytest.mark.parametrize(("height", "width", "padding"), [(5, 7, 0), (5, 7, 2), (6, 4, 3)])
def test_windows_are_crops_of_the_padded_image(
    height: int, width: int, padding: int, mode: PaddingMode, table_bytes: int
) -> None:
    windows = Windows(height, width, padding, mode, CPU, table_bytes)
    numbers = torch.arange(height * width).view(1, height, width)
    kind = "constant" if mode == "zeros" else "reflect"
    padded = transforms.pad(numbers.float(), [padding] * 4, fill=height * width, padding_mode=kind).int()
    corners = 2 * padding + 1
    found = windows.places(torch.arange(2 * corners**2)).view(2, corners, corners, height, width)
    assert found.dtype == torch.int32
    for top in range(corners):
        for left in range(corners):
            crop = transforms.crop(padded, top, left, height, width)[0]
            assert torch.equal(found[0, top, left], crop)
            assert torch.equal(found[1, top, left], crop.flip(1))


def test_large_windows_take_no_table() -> None:
    """Whose bytes would be 2 (2p+1)^2 4 H W: 136 MiB here."""
    windows = Windows(128, 128, 16, "zeros", CPU)
    held = [value for value in vars(windows).values() if isinstance(value, torch.Tensor)]
    assert sum(tensor.nbytes for tensor in held) < 1 << 20
