"""The fixed map from pixels to a network's input: (pixel / 255 - mean) / std. It is part of what was trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor

from resnetzoo.data.constants import INPUT_SIZE, NormalizationKind
from resnetzoo.errors import UsageError
from resnetzoo.utils.strict_json import to_json
from resnetzoo.utils.text import counted
from resnetzoo.utils.validation import check_choice, check_whole_number

_OVERSHOOT = 0.5  # beyond 0 and 1, which resizing overshoots at sharp edges
_CHUNK = 5_000  # images converted to float64 at once, if they fit into
_CHUNK_BYTES = 128 << 20  # this many bytes; 5,000 images of CIFAR take 117 MiB


@dataclass(frozen=True, eq=False)
class Normalization:
    """Mean and standard deviation, on the scale from 0 to 1.

    One value per channel is accepted as well, as in `Normalization("channel", [0.49, 0.48, 0.45], [0.25, 0.24, 0.26])`,
    and converted to a tensor.

    Attributes:
        kind: `channel` (one mean and standard deviation per channel) or `per_pixel_mean` (one mean per pixel position,
            no standard deviation: arXiv:1512.03385, section 4.2).
        mean: float32 (C, 1, 1) with `channel`, (C, H, W) with `per_pixel_mean`; from 0 to 1.
        std: float32 (C, 1, 1); above 0, at most 1.
        size: shorter side, in pixels, of the images that it was measured on; None if unknown.
        shape: height and width of these images if they are not square and `mean` does not show it; otherwise None.

    Raises:
        UsageError: the kind is unknown, values are not numbers or out of range, or shapes do not match.
    """

    kind: NormalizationKind
    mean: Tensor
    std: Tensor
    size: int | None = None
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_choice("kind of a normalization", self.kind, get_args(NormalizationKind))
        if self.size is not None:
            check_whole_number("size of a normalization", self.size)
        if self.shape is not None:
            object.__setattr__(self, "shape", self._checked_shape(self.shape))
        mean, std = _values("mean", self.mean), _values("std", self.std)
        per_channel = "mean and std must have one value per channel"
        if self.kind == "channel" and mean.dim() == 3 and mean.shape[1:] != (1, 1):
            raise UsageError(f"{per_channel}, but mean has shape {list(mean.shape)}, not (C, 1, 1)")
        if mean.dim() != 3 or std.dim() != 3 or std.shape[1:] != (1, 1) or not mean.numel():
            raise UsageError(
                "a normalization takes mean (C, 1, 1) or, with per_pixel_mean, (C, H, W), and std (C, 1, 1), not "
                f"{list(mean.shape)} and {list(std.shape)}"
            )
        if len(mean) != len(std):
            raise UsageError(f"{per_channel}: mean has {len(mean)} channels, but std has {len(std)}")
        if not mean.is_meta and not std.is_meta:  # meta tensors have shapes but no values
            _check_range("mean", mean, bool(((mean >= 0) & (mean <= 1)).all()), "from 0 to 1")
            _check_range("std", std, bool(((std > 0) & (std <= 1) & (1 / std).isfinite()).all()), "above 0, at most 1")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "std", std)

    @property
    def input_size(self) -> int:
        """Side, in pixels, of the squares that images are resized and cropped to, as in training; 32 if unknown.

        Raises:
            UsageError: it has one mean per pixel position of images that are not square.
        """
        if self.kind == "channel":
            return self.size or INPUT_SIZE
        height, width = self.mean.shape[-2:]
        if height != width:
            raise UsageError(
                f"the network was trained on images of {height} x {width} pixels with a mean for each pixel, but "
                "image files are always made square: pass it model.normalization(pixels) with uint8 pixels of that "
                "size"
            )
        return width

    def _checked_shape(self, found: object) -> tuple[int, int]:
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise UsageError(f"shape of a normalization must be a height and a width, not {found!r}")
        for length in found:
            check_whole_number("height and width of a normalization", length)
        if self.size is not None and min(found) != self.size:
            raise UsageError(f"shape of a normalization is {found}, but its size, the shorter side, is {self.size}")
        return found[0], found[1]

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width, in pixels, of the images that the network was trained on, as far as that is known."""
        if self.kind == "per_pixel_mean":
            return self.mean.shape[-2], self.mean.shape[-1]
        return self.shape or (self.input_size, self.input_size)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Pixels (N, C, H, W) or (C, H, W) -> input of the same shape, on the same device.

        Pixels of uint8 give float32. Floats from 0 to 1 keep their type, and gradients flow back to them.

        Raises:
            UsageError: the pixels have another type, range or shape, such as another number of channels.
        """
        self.check_shape(pixels)
        if pixels.dtype == torch.uint8:
            values = pixels.float() / 255
        else:
            check_floats(pixels)
            values = pixels
        mean, std = (tensor.to(values.device, _computed_in(values.dtype)) for tensor in (self.mean, self.std))
        return ((values - mean) / std).to(values.dtype)

    def check_shape(self, pixels: Tensor) -> None:
        """Refuse pixels whose shape would match mean and standard deviation only by accidental broadcasting.

        Raises:
            UsageError: `pixels` is not a tensor (C, H, W) or (N, C, H, W), or has another number of channels or, with
                one mean per pixel position, another height or width.
        """
        if not isinstance(pixels, Tensor):
            raise UsageError(f"a normalization takes a tensor (N, C, H, W), not {type(pixels).__name__}")
        channels, height, width = self.mean.shape
        found = list(pixels.shape)
        if pixels.dim() not in (3, 4) or found[-3] != channels:
            raise UsageError(
                f"a normalization of {counted(channels, 'channel')} takes images (N, {channels}, H, W), not {found}"
            )
        if self.kind == "per_pixel_mean" and found[-2:] != [height, width]:
            raise UsageError(f"a mean for each of {height} x {width} pixels takes images of that size, not {found}")

    def check_channels(self, in_chans: int) -> None:
        """Refuse a network with another number of channels, which could not process images normalized by this.

        Raises:
            UsageError: states both numbers of channels.
        """
        if len(self.std) != in_chans:
            raise UsageError(
                f"the network takes images of {counted(in_chans, 'channel')}, but its normalization has "
                f"{len(self.std)}: set model.normalization to one of {counted(in_chans, 'channel')}"
            )

    def to_stored(self) -> dict[str, object]:
        """Every value, `mean` and `std` as tensors; `from_stored` reads them back."""
        shape = {} if self.shape is None else {"shape": list(self.shape)}
        return {"kind": self.kind, "mean": self.mean, "std": self.std, "size": self.size, **shape}

    def to_json(self) -> str:
        """The values of `to_stored` as JSON, tensors as nested lists; `from_stored` reads them after `json.loads`."""
        return to_json({**self.to_stored(), "mean": self.mean.tolist(), "std": self.std.tolist()})

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> "Normalization":
        """Read exactly what `to_stored` or `to_json` wrote; old files may lack `size`, and most lack `shape`.

        Raises:
            KeyError, TypeError, ValueError: the values are not those of a normalization.
        """
        mean, std = (torch.as_tensor(values[key], dtype=torch.float32, device="cpu") for key in ("mean", "std"))
        return cls(values["kind"], mean, std, values.get("size"), values.get("shape"))

    def to_dict(self) -> dict[str, object]:
        """`kind`, and the channel averages of `mean` and `std`: enough to report, ready for JSON."""
        mean = [round(float(value), 6) for value in self.mean.mean(dim=(1, 2))]
        return {"kind": self.kind, "mean": mean, "std": [round(float(value), 6) for value in self.std.flatten()]}


def channel_normalization(mean: Sequence[float], std: Sequence[float]) -> Normalization:
    """The normalization with these values, one per channel, on the scale from 0 to 1."""
    return Normalization("channel", _values("mean", mean), _values("std", std))


def check_floats(images: Tensor) -> None:
    """Refuse anything but floats from 0 to 1, with a tolerance of 0.5 at either end, because resizing overshoots.

    Raises:
        UsageError: the images have another type, a wider range, which the message states, or no values.
    """
    if not images.is_floating_point():
        raise UsageError(
            f"expected pixels as uint8, or as floats from 0 to 1, not {images.dtype}: divide whole numbers with more "
            "bits by their largest value, as in images / 4095 for 12 bits"
        )
    if images.numel():
        if images.is_meta:
            raise UsageError('expected pixels with values, but the tensor is on the device "meta", which has none')
        low, high = (float(value) for value in images.detach().aminmax())
        # Pixels from 0 to 255 and normalized images go further than that. NaN is in no range.
        if not (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):
            raise UsageError(
                f"expected floats from 0 to 1, found {low:g} to {high:g}: pass pixels from 0 to 255 as uint8, and do "
                "not normalize them beforehand"
            )


def _values(name: str, found: Any) -> Tensor:
    """A tensor in float32; one value per channel becomes (C, 1, 1)."""
    try:
        # Tensors stay on their device; everything else goes to the CPU, whatever the default device is.
        tensor = found if isinstance(found, Tensor) else torch.tensor(found, device="cpu")
        values = tensor.to(torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"the {name} of a normalization must have one number per channel, not {found!r:.80}"
        ) from error
    return values.reshape(-1, 1, 1) if values.dim() == 1 else values


def _check_range(name: str, values: Tensor, right: bool, bounds: str) -> None:
    if not right:
        low, high = (float(value) for value in values.aminmax())
        raise UsageError(
            f"the {name} of a normalization must be {bounds}, on a scale where 1 is white, not from {low:g} to "
            f"{high:g}: divide values on the scale from 0 to 255 by 255"
        )


def _computed_in(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)


def chunk_length(image_bytes: int, chunk_bytes: int, most: int) -> int:
    """How many images of `image_bytes` to process at once: as many as fit into `chunk_bytes`, from one to `most`."""
    return min(most, max(1, chunk_bytes // image_bytes))


def measure_normalization(images: Tensor, kind: NormalizationKind) -> Normalization:
    """The normalization that centres `images`, uint8 (N, C, H, W)."""
    total = torch.zeros(images.shape[1:], dtype=torch.float64, device="cpu")  # (C, H, W)
    squares = torch.zeros_like(total)
    pixels = torch.empty(0, dtype=torch.float64, device="cpu")
    for chunk in torch.split(images.cpu(), chunk_length(total.nbytes, _CHUNK_BYTES, _CHUNK)):
        if pixels.shape != chunk.shape:  # otherwise reused: new memory of this size costs more than the sums
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
    std[std < 1e-4] = 1.0  # a channel with a single value keeps its scale
    height, width = images.shape[2:]
    shape = None if height == width else (height, width)
    return Normalization(kind, channel_mean.float(), std.float(), size, shape)
