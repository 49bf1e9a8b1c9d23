"""A network that takes pixels and answers with probabilities, so that a program needs to know nothing else."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.models.wrappers import zoo_network
from resnetzoo.utils.modules import device_of


class WithPreprocessing(nn.Module):
    """y = softmax(model((pixels / 255 - mean) / std)): uint8 (N, H, W, C) -> float32 (N, num_classes).

    Pixels lie as image libraries keep them, red, green, blue for each place. Nothing is resized: images have the
    size of those that the network was trained on, as CIFAR's 32 x 32.

    Args:
        model: a trained network, also wrapped, as by `torch.compile`; it is part of the new one, not copied.

    Raises:
        UsageError: it has not been trained, does not say with which normalization, or has no classifier.
    """

    # A buffer `mean` would have the name that torch 2.6 gives to what `Tensor.mean` returns in ONNX.
    _mean: Tensor
    _std: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        model = zoo_network(model, "WithPreprocessing")
        if model.normalization is None:
            raise UsageError(
                f"{model.spec.label} has not been trained, or its file does not say with which normalization: "
                "set model.normalization, take weights that say it, or export without preprocessing"
            )
        if model.num_classes == 0:
            raise UsageError("a network without a classifier gives no probabilities: export it without preprocessing")
        self.model = model
        device = device_of(model)
        self.register_buffer("_mean", model.normalization.mean.to(device), persistent=False)  # (C, 1, 1) or (C, H, W)
        self.register_buffer("_std", model.normalization.std.to(device), persistent=False)  # (C, 1, 1)
        self.train(model.training)

    @property
    def mean(self) -> Tensor:
        """Of each pixel as a share of 255, (C, 1, 1) or (C, H, W)."""
        return self._mean

    @property
    def std(self) -> Tensor:
        """The deviation, (C, 1, 1)."""
        return self._std

    if TYPE_CHECKING:

        def __call__(self, pixels: Tensor) -> Tensor:
            """What `forward` gives; `nn.Module` itself promises anything."""

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 (N, H, W, C) -> probabilities (N, num_classes).

        Raises:
            ValueError: `pixels` are not uint8, or of another shape.
        """
        if pixels.dtype != torch.uint8:
            raise ValueError(f"expected pixels as uint8 from 0 to 255, found {pixels.dtype}")
        if pixels.dim() != 4:
            raise ValueError(f"expected pixels of shape (N, H, W, C), found {list(pixels.shape)}")
        images = (pixels.permute(0, 3, 1, 2).float() / 255 - self._mean) / self._std  # (N, C, H, W)
        logits: Tensor = self.model(images)
        return logits.softmax(dim=1)
