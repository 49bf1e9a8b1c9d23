"""The share of each block's output that comes from its shortcut."""

from collections import defaultdict

import numpy as np
import torch
from torch import nn

from resnetzoo.analysis.hooks import evaluation_twin, watch_branches, watch_shortcuts
from resnetzoo.analysis.inputs import CHUNK, Images, chunks_of_inputs
from resnetzoo.analysis.moments import LayerValues, Moments
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import device_of


def shortcut_share(model: nn.Module, images: Images, *, batch_size: int = CHUNK) -> LayerValues:
    """S / (S + R) for each block: 0 if everything comes from the branch F, 1 if everything comes from the shortcut.

    S and R are the sums of squares, over images, channels and positions, of the two summands of equation 1 of
    arXiv:1512.03385 just before they are added: the shortcut's output and F's. (Neither includes their cross term in
    the sum.) The value of a block is NaN if both are zero, or if one is too large for the network's type.

    Measured in evaluation mode, on the model's device; the model is not changed.

    Args:
        model: a residual or pre-activation network of this package.
        images: pixels, in an `ImageSet` such as `data.test` or as uint8 (N, C, H, W), which are normalized as in the
            model's training, or, if the model does not state that, by their own mean and standard deviation; or floats
            that are already normalized.
        batch_size: number of images per batch; the result does not depend on it.

    Raises:
        UsageError: a plain network or another kind of model, another kind of images, or a `batch_size` below 1.
    """
    twin = evaluation_twin(model)
    shortcuts: dict[str, Moments] = defaultdict(Moments)
    branches: dict[str, Moments] = defaultdict(Moments)
    watch_shortcuts(twin, lambda name, output: shortcuts[name].add(output))
    watch_branches(twin, lambda name, output: branches[name].add(output))
    with torch.inference_mode(), computing(device_of(twin)):
        for inputs in chunks_of_inputs(twin, images, batch_size):
            twin(inputs)
    names = tuple(block.name for block in twin.spec.blocks())
    carried = np.array([shortcuts[name].mean_square for name in names])
    added = np.array([branches[name].mean_square for name in names])
    with np.errstate(invalid="ignore"):  # zero divided by zero is NaN
        return LayerValues(names, carried / (carried + added))
