"""Whether a network still has the registered weights that it was loaded with, also after it was saved to a file."""

import hashlib
from dataclasses import replace

import torch
from torch import Tensor

from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.introspection import known_spec
from resnetzoo.models.pretrained import Weights
from resnetzoo.utils.modules import lacks_values


def attach_weights(model: CifarNet, row: Weights) -> None:
    """Record in `model.weights` which registered weights the network has, and fingerprint their present values."""
    model.pretrained = replace(model.pretrained, weights=row, fingerprint=fingerprint_of(model))


def true_row(model: CifarNet) -> Weights | None:
    """`model.weights`, if the network's weights still are those registered ones; otherwise None.

    It takes milliseconds, since every weight is read. The result is None after
    training, new values or a new classifier, and also if other modules or settings compute something else with the same
    weights.
    """
    row, fingerprint = model.pretrained.weights, model.pretrained.fingerprint
    if row is None or lacks_values(model) or fingerprint != fingerprint_of(model):
        return None
    return row if known_spec(model) is not None else None


def fingerprint_of(model: CifarNet) -> str:
    """SHA-256 of the parameters and running statistics as float32, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        # Not the norms' counters, with which nothing is computed, and not what quantized layers hold that is no tensor.
        if isinstance(tensor, Tensor) and tensor.is_floating_point():
            digest.update(name.encode())
            digest.update(tensor.to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
