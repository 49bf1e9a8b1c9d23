"""The windows that crops and flips cut from padded images, as places in the image. H, W: of the images."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.data.constants import PaddingMode

_TABLE_BYTES = 64 << 20  # the largest table of windows


class Windows:
    """Which pixel of its image stands where, in every window of the padded image; H * W stands for zero.

    First come the windows as they are, 2p+1 by 2p+1 of them, row by row, then all of them flipped from left to right.
    They are kept in a table of (2 * (2p+1) * (2p+1), H * W) unless it is large: then each is computed when it is used.
    int32 is enough inside an image; the sum with an image's first pixel is int64, since large sets have more pixels.

    Args:
        height: of the images.
        width: of the images.
        padding: p, on each side.
        mode: as `DeviceLoader` takes it.
        device: where the windows are used.
        table_bytes: the largest table.
    """

    def __init__(
        self,
        height: int,
        width: int,
        padding: int,
        mode: PaddingMode,
        device: torch.device,
        table_bytes: int = _TABLE_BYTES,
    ) -> None:
        self._size = height * width
        self._corners = 2 * padding + 1  # in each direction
        rows, columns = _padded_places(height, padding, mode), _padded_places(width, padding, mode)
        outside = torch.tensor(self._size, dtype=torch.int32, device="cpu")
        self._rows = torch.where(rows < 0, outside, rows * width).to(device)  # (2p+1, H)
        columns = torch.where(columns < 0, outside, columns)
        self._columns = torch.cat([columns, columns.flip(1)]).to(device)  # (2 * (2p+1), W)
        count = 2 * self._corners**2
        self._table: Tensor | None = None
        if 4 * count * self._size <= table_bytes:
            self._table = self._compute(torch.arange(count, device=device))

    def places(self, window: Tensor) -> Tensor:
        """int32 (n, H * W) of these windows (n,)."""
        return self._compute(window) if self._table is None else self._table.index_select(0, window)

    def _compute(self, window: Tensor) -> Tensor:
        left, above = window % self._corners, window // self._corners
        flipped, top = above // self._corners, above % self._corners
        rows = self._rows.index_select(0, top)
        columns = self._columns.index_select(0, flipped * self._corners + left)
        return (rows[:, :, None] + columns[:, None, :]).clamp_(max=self._size).view(-1, self._size)


def _padded_places(length: int, padding: int, mode: PaddingMode) -> Tensor:
    """Which row or column of the image each of a window is, int32 (2p+1, length); -1 stands for padding of zeros."""
    own = torch.arange(length, dtype=torch.float64, device="cpu").view(1, 1, length)  # mirrored as floats
    if mode == "reflect":
        padded = F.pad(own, [padding] * 2, mode="reflect")[0, 0]
    else:
        padded = F.pad(own, [padding] * 2, value=-1)[0, 0]
    return padded.unfold(0, length, 1).int()
