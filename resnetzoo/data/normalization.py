"""The fixed map from pixels to a network's input: (pixel / 255 - mean) / std. It is part of what was trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from resnetzoo.data.constants import INPUT_SIZE, NormalizationKind
from resnetzoo.errors import UsageError
from resnetzoo.utils.strict_json import to_json

_CHUNK = 5_000  # images turned into float64 at once, as far as they fit into
_CHUNK_BYTES = 128 << 20  # so many bytes; 5,000 images of CIFAR take 117 MiB


@dataclass(frozen=True, eq=False)
class Normalization:
    """Mean and deviation on the scale 0 to 1.

    Attributes:
        kind: `channel` (a mean and a deviation a channel) or `per_pixel_mean` (a mean for each place, no
            deviation: arXiv:1512.03385, section 4.2).
        mean: (C, H, W), or (C, 1, 1) with `channel`.
        std: (C, 1, 1).
        size: shorter side, in pixels, of the images that it was measured on; None where that is not known.
    """

    kind: NormalizationKind
    mean: Tensor
    std: Tensor
    size: int | None = None

    @property
    def input_size(self) -> int:
        """Side in pixels of the square that images are made into, as in training, or 32 where that is not known.

        Raises:
            UsageError: it has a mean for each place of images that are not square.
        """
        if self.kind == "channel":
            return self.size or INPUT_SIZE
        height, width = self.mean.shape[-2:]
        if height != width:
            raise UsageError(
                f"the network was trained on images of {height} x {width} pixels with a mean for each place, and "
                "images are only made into squares: give it model.normalization(pixels), uint8 of that size"
            )
        return width

    def __call__(self, pixels: Tensor) -> Tensor:
        """uint8 (N, C, H, W) -> float32 (N, C, H, W), on the device of `pixels`."""
        mean, std = self.mean.to(pixels.device), self.std.to(pixels.device)
        return (pixels.float() / 255 - mean) / std

    def to_stored(self) -> dict[str, object]:
        """Every value, `mean` and `std` as tensors; `from_stored` reads them back."""
        return {"kind": self.kind, "mean": self.mean, "std": self.std, "size": self.size}

    def to_json(self) -> str:
        """As `to_stored`, as JSON with lists of the tensors' shapes; `from_stored` reads what JSON makes of it."""
        return to_json({**self.to_stored(), "mean": self.mean.tolist(), "std": self.std.tolist()})

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> "Normalization":
        """What `to_stored` or `to_json` wrote, to the last digit; files of before may lack `size`.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        mean, std = (torch.as_tensor(values[key], dtype=torch.float32, device="cpu") for key in ("mean", "std"))
        if mean.dim() != 3 or std.shape != (len(mean), 1, 1):
            raise ValueError(f"mean of shape {list(mean.shape)}, std of shape {list(std.shape)}")
        size = values.get("size")
        if size is not None and (type(size) is not int or size < 1):
            raise ValueError(f"size {size!r}")
        return cls(values["kind"], mean, std, size)

    def to_dict(self) -> dict[str, object]:
        """`kind`, and the channel averages of `mean` and `std`: enough to report, ready for JSON."""
        mean = [round(float(value), 6) for value in self.mean.mean(dim=(1, 2))]
        return {"kind": self.kind, "mean": mean, "std": [round(float(value), 6) for value in self.std.flatten()]}


def channel_normalization(mean: Sequence[float], std: Sequence[float]) -> Normalization:
    """The normalization of these values, one a channel, on the scale 0 to 1."""
    means, deviations = (
        torch.tensor(values, dtype=torch.float32, device="cpu").reshape(-1, 1, 1) for values in (mean, std)
    )
    return Normalization("channel", means, deviations)


def chunk_length(image_bytes: int, chunk_bytes: int, most: int) -> int:
    """How many images of so many bytes to take at once: as many as fit, from one to `most`."""
    return min(most, max(1, chunk_bytes // image_bytes))


def measure_normalization(images: Tensor, kind: NormalizationKind) -> Normalization:
    """The normalization that centres `images`, uint8 (N, C, H, W)."""
    total = torch.zeros(images.shape[1:], dtype=torch.float64, device="cpu")  # (C, H, W)
    squares = torch.zeros_like(total)
    pixels = torch.empty(0, dtype=torch.float64, device="cpu")
    for chunk in torch.split(images.cpu(), chunk_length(total.nbytes, _CHUNK_BYTES, _CHUNK)):
        if pixels.shape != chunk.shape:  # else written over: fresh memory of this size costs more than the sums
            pixels = torch.empty_like(chunk, dtype=torch.float64)
        pixels.copy_(chunk).div_(255)
        total += pixels.sum(dim=0)
        squares += pixels.square_().sum(dim=0)
    mean = total / len(images)
    size = min(images.shape[2:])
    if kind == "per_pixel_mean":
        return Normalization(
            kind, mean.float(), torch.ones(images.shape[1], 1, 1, dtype=torch.float32, device="cpu"), size
        )
    channel_mean = mean.mean(dim=(1, 2), keepdim=True)
    variance = (squares / len(images)).mean(dim=(1, 2), keepdim=True) - channel_mean.square()
    std = variance.clamp(min=0).sqrt()
    std[std < 1e-4] = 1.0  # a channel of one value only: leave its scale alone
    return Normalization(kind, channel_mean.float(), std.float(), size)
