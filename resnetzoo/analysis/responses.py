"""How strongly each layer responds: figure 7 of arXiv:1512.03385."""

from collections import defaultdict

import numpy as np
import torch
from torch import nn

from resnetzoo.analysis.hooks import evaluation_twin, watch_responses
from resnetzoo.analysis.inputs import CHUNK, Images, chunks_of_inputs
from resnetzoo.analysis.moments import LayerValues, Moments
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import device_of


def response_std(model: nn.Module, images: Images, *, batch_size: int = CHUNK) -> LayerValues:
    """Standard deviation of the response of each 3x3 convolution, the stem included, over images, channels, positions.

    The response is the output of the norm after the convolution, before the nonlinearity or the addition
    (arXiv:1512.03385, section 4.2, "Analysis of layer responses", figure 7); in a bottleneck block only the 3x3
    convolution counts. In pre-activation networks the norm is the next one inside the block. If there is none, because
    the convolution's output enters the addition directly or, for the stem, the first block, that output itself is
    measured, and its values are not on the scale of the normalized ones.

    Measured in evaluation mode, on the model's device; the model is not changed.

    Args:
        model: a network of this package.
        images: pixels, in an `ImageSet` such as `data.test` or as uint8 (N, C, H, W), which are normalized as in the
            model's training, or, if the model does not state that, by their own mean and standard deviation; or floats
            that are already normalized.
        batch_size: number of images per batch; the result does not depend on it.

    Raises:
        UsageError: another kind of model or images, or a `batch_size` below 1.
    """
    twin = evaluation_twin(model)
    layers: dict[str, Moments] = defaultdict(Moments)
    watch_responses(twin, lambda name, response: layers[name].add(response))
    with torch.inference_mode(), computing(device_of(twin)):
        for inputs in chunks_of_inputs(twin, images, batch_size):
            twin(inputs)
    return LayerValues(tuple(layers), np.array([layer.std for layer in layers.values()]))
