"""The similarity of the layers of two networks on the same images."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from resnetzoo.analysis.hooks import evaluation_twin, watch_outputs
from resnetzoo.analysis.inputs import Images, whole_input
from resnetzoo.errors import UsageError
from resnetzoo.utils.device import at_least_fp32
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import device_of

MAX_IMAGES = 2_000  # 32 MB per layer
_ROUNDING = 16  # units in the last place; the mean of 2,000 equal numbers differs from them by up to 4


@dataclass(frozen=True, eq=False)
class Similarity:
    """The similarity of the layers of one network to those of another.

    Attributes:
        rows: the layers of the first network: `stem`, then the blocks as in the state dict, such as `layer1.0`.
        columns: the layers of the second network.
        values: float64 (rows, columns), from 0 to 1.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]


def cka(model_a: nn.Module, model_b: nn.Module, images: Images) -> Similarity:
    """Linear centered kernel alignment between the outputs of stem and blocks of two networks.

    With X (N, features) the output of a layer for N images, minus its mean over them, and Y that of another layer, it
    is <XX', YY'> / (norm(XX') norm(YY')), with Frobenius norms (arXiv:1905.00414, section 3, equations 3 and 4 with a
    linear kernel): 1 for features that are equal up to a rotation and one scale, 0 for unrelated ones. The two networks
    may differ in everything except the images that they accept. The values are NaN for a layer whose output is the same
    for all images up to rounding, or overflows.

    Measured in evaluation mode, each model on its own device; the models are not changed.

    Args:
        model_a: a network of this package; its layers are the rows.
        model_b: another network, or the same one; its layers are the columns.
        images: from 2 to 2,000 images, the same for both; about 500 are usual: `data.test.select(slice(500))`. Each
            layer needs N x N numbers of 8 bytes, and with few images unrelated layers look alike. Pixels (an
            `ImageSet`, or uint8 (N, C, H, W)) are normalized as in each model's training, or, if the model does not
            state that, by their own mean and standard deviation; floats must already be normalized.

    Raises:
        UsageError: another kind of model or images, or another number of images.
    """
    rows, columns = _kernels(model_a, images), _kernels(model_b, images)
    values = torch.stack(list(rows.values())) @ torch.stack(list(columns.values())).T
    return Similarity(tuple(rows), tuple(columns), values.clamp(0, 1).numpy())  # beyond these only by rounding


def _kernels(model: nn.Module, images: Images) -> dict[str, Tensor]:
    """For each layer, the N x N products of its centered outputs, scaled to norm 1, float64 (N * N,) on the CPU.

    They are NaN for a layer whose outputs do not differ.
    """
    kernels: dict[str, Tensor] = {}

    def add_kernel(name: str, output: Tensor) -> None:
        features = at_least_fp32(output).flatten(1)  # (N, C * H * W)
        centred = features - features.mean(dim=0)
        kernel = (centred @ centred.T).cpu().double()  # (N, N)
        kernels[name] = kernel.flatten() / (torch.nan if _is_rounding(centred, features) else kernel.norm())

    twin = evaluation_twin(model)
    watch_outputs(twin, add_kernel)
    with torch.inference_mode(), computing(device_of(twin)):
        inputs = whole_input(twin, images)
        if not 2 <= len(inputs) <= MAX_IMAGES:
            raise UsageError(
                f"cka compares all pairs of images, so it takes from 2 to {MAX_IMAGES:,} of them, not "
                f"{len(inputs):,}; select some, such as data.test.select(slice(500))"
            )
        twin(inputs)
    return kernels


def _is_rounding(centred: Tensor, features: Tensor) -> bool:
    """Whether what is left of `features` without their mean is no more than rounding: scaled up, it would be noise."""
    return bool(centred.abs().max() <= _ROUNDING * torch.finfo(features.dtype).eps * features.abs().max())
