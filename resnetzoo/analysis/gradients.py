"""The gradient norm of each layer's weights in a training step."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)
from torch.nn.utils import parametrize

from resnetzoo.analysis.hooks import analysed_network, layer_weights
from resnetzoo.analysis.inputs import Batch, labelled_input
from resnetzoo.analysis.moments import LayerValues
from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.single_values import norm_of_single_values
from resnetzoo.utils.device import at_least_fp32
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.layout import training_layout
from resnetzoo.utils.modules import copy_of, device_of, in_mode
from resnetzoo.utils.random import drawing_from

_SEED = 0  # of dropout


def gradient_norms(model: nn.Module, batch: Batch) -> LayerValues:
    """L2 norm of the gradient of the mean cross-entropy (nats) with respect to the weight of each weighted layer.

    The layers are the convolutions, including the 1x1 projections of shortcuts (listed after their block's F), and the
    classifier `fc`, in the order of the forward pass. A module of another class in such a place counts if it has a
    `weight`. The gradient is that of a training step, in which batch norms use the statistics of `batch`, whichever
    mode the model is in. Dropout draws the same numbers in each call. The gradient is computed on a copy; the model and
    torch's random state are not changed.

    It is computed in the type of the model's weights. In float32 rounding changes norms of residual networks by 0.1 to
    0.2 %, but plain networks amplify it: norms of a fresh `plainnet56` change by up to 5 %, and those of a fresh
    `plainnet110` by up to 25 %. Pass `copy.deepcopy(model).double()` for norms without these errors.

    Args:
        model: a network of this package.
        batch: an `ImageSet`, such as `data.train.select(slice(128))`, or (images, labels), with int64 labels (N,) and
            images uint8 (pixels) or float (already normalized) (N, C, H, W), used as one batch. Pixels are normalized
            as in the model's training, or, if the model does not state that, by their own mean and standard deviation.

    Raises:
        UsageError: another kind of model, images or labels, a network without a classifier, a layer of another class
            that has parameters but no `weight`, or a single image, so small that a batch norm gets a single value per
            channel of it.
    """
    network = analysed_network(model)
    with torch.inference_mode(False), torch.enable_grad(), computing(device_of(network)):
        network = in_mode(copy_of(network), training=True).requires_grad_(True)
        layout = training_layout(network, device_of(network))
        inputs, labels = labelled_input(network.to(memory_format=layout), batch)
        _check_statistics(network, inputs)
        # Weights are cached only here: computed weights cached without gradients would have none.
        with drawing_from(_SEED, inputs.device), parametrize.cached():
            loss = F.cross_entropy(at_least_fp32(network(inputs.contiguous(memory_format=layout))), labels)
            weights = layer_weights(network)  # computed weights as the pass used them
            gradients = torch.autograd.grad(loss, list(weights.values()), materialize_grads=True)
    norms = [float(torch.linalg.vector_norm(at_least_fp32(gradient))) for gradient in gradients]
    return LayerValues(tuple(weights), np.array(norms))


def _check_statistics(network: CifarNet, inputs: Tensor) -> None:
    """Refuse a single image if a batch norm would see a single value per channel, which has no variance."""
    name = norm_of_single_values(network, inputs) if len(inputs) == 1 else None
    if name is not None:
        raise UsageError(
            f"the batch is one image of {inputs.shape[2]} x {inputs.shape[3]} pixels, of which {name}, a batch norm, "
            "sees a single value per channel, so there is no training step with it: pass more images, such as "
            "data.train.select(slice(128)), or larger ones"
        )
