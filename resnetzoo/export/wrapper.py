"""A network that accepts pixels and returns probabilities, so that a program needs no preprocessing of its own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.models.wrappers import zoo_network
from resnetzoo.utils.modules import device_of, input_dtype


class WithPreprocessing(nn.Module):
    """y = softmax(model((pixels / 255 - mean) / std)): uint8 (N, H, W, C) -> float32 (N, num_classes).

    Pixels have the layout of image libraries, with the channels red, green, blue last. Images are not resized: pass
    them in the size of those that the network was trained on, for example 32 x 32 for CIFAR. Floats from 0 to 1 are
    accepted as well, and gradients of the probabilities reach them. The network computes in its own type; probabilities
    are float32, or float64 if the network is in double precision.

    Args:
        model: a trained network, possibly wrapped, for example by `torch.compile`; it becomes part of the new network
            and is not copied.

    Raises:
        UsageError: the model does not state its normalization, for example because it has not been trained; its
            normalization has another number of channels; or it has no classifier.
    """

    # A buffer `mean` would have the name that torch 2.6 gives to the result of `Tensor.mean` in ONNX.
    _mean: Tensor
    _std: Tensor
    _own_type: Tensor  # empty; it only follows the type of the network when that is cast
    __jit_ignored_attributes__: ClassVar = ["_normalization"]

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        model = zoo_network(model, "WithPreprocessing")
        if model.normalization is None:
            raise UsageError(
                f"{model.spec.label} has not been trained, or its file does not contain its normalization: set "
                "model.normalization, use weights that contain it, or export without preprocessing"
            )
        if model.num_classes == 0:
            raise UsageError("a network without a classifier has no probabilities: export it without preprocessing")
        self.model = model
        model.normalization.check_channels(model.in_chans)
        device = device_of(model)
        self._normalization = model.normalization
        self._per_pixel = model.normalization.kind == "per_pixel_mean"
        self.register_buffer("_mean", model.normalization.mean.to(device), persistent=False)  # (C, 1, 1) or (C, H, W)
        self.register_buffer("_std", model.normalization.std.to(device), persistent=False)  # (C, 1, 1)
        self.register_buffer("_own_type", torch.empty(0, dtype=input_dtype(model), device=device), persistent=False)
        self.train(model.training)

    @property
    def mean(self) -> Tensor:
        """The mean that is subtracted from pixels / 255, (C, 1, 1) or (C, H, W)."""
        return self._mean

    @property
    def std(self) -> Tensor:
        """The standard deviation of pixels / 255 that they are divided by, (C, 1, 1)."""
        return self._std

    if TYPE_CHECKING:

        def __call__(self, pixels: Tensor) -> Tensor:
            """Same as `forward`, with its types, which `nn.Module` does not declare."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "WithPreprocessing":
        """Called by `to`, `half` and the like: mean and standard deviation are moved as well, but not rounded."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        dtype = torch.promote_types(self._mean.dtype, torch.float32)
        self._mean = self._normalization.mean.to(self._mean.device, dtype)
        self._std = self._normalization.std.to(self._std.device, dtype)
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 (N, H, W, C), or floats from 0 to 1 -> probabilities (N, num_classes).

        Raises:
            ValueError: `pixels` have another type, range or shape.
        """
        if pixels.dim() != 4:
            raise ValueError(f"expected pixels of shape (N, H, W, C), found {list(pixels.shape)}")
        if pixels.shape[3] != self._mean.shape[0]:
            raise ValueError(f"expected pixels of shape (N, H, W, {self._mean.shape[0]}), found {list(pixels.shape)}")
        if self._per_pixel and pixels.shape[1:3] != self._mean.shape[1:3]:
            raise ValueError(
                f"expected images of {self._mean.shape[1]} x {self._mean.shape[2]} pixels, found {list(pixels.shape)}"
            )
        images = (self._shares(pixels.permute(0, 3, 1, 2)) - self._mean) / self._std  # (N, C, H, W)
        logits: Tensor = self.model(images.to(self._own_type.dtype))
        if logits.element_size() < 4:
            logits = logits.float()
        return logits.softmax(dim=1)

    def _shares(self, pixels: Tensor) -> Tensor:
        """The pixels as floats, from 0 for black to 1 for white."""
        if pixels.dtype == torch.uint8:
            return pixels.float() / 255
        if not pixels.is_floating_point():
            raise ValueError(f"expected pixels as uint8 from 0 to 255, or as floats from 0 to 1, found {pixels.dtype}")
        if pixels.numel() > 0:
            low, high = float(pixels.detach().min()), float(pixels.detach().max())
            if not (low >= -0.5 and high <= 1.5):  # as far as resizing overshoots
                raise ValueError(
                    f"expected floats from 0 to 1, found {low} to {high}: pass pixels from 0 to 255 as uint8, and do "
                    "not normalize them beforehand"
                )
        return pixels
