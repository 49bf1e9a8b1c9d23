"""Whether a network still has the weights that its row speaks of, also after it was in a file."""

import hashlib
from dataclasses import replace

import torch

from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.pretrained import Weights


def attach_weights(model: CifarNet, row: Weights) -> None:
    """Let `model` say which row its weights are of, as `model.weights`, and remember what they are now."""
    model.pretrained = replace(model.pretrained, weights=row, fingerprint=fingerprint_of(model))


def true_row(model: CifarNet) -> Weights | None:
    """The row of `model.weights`, if the network's weights are still the ones that the row came with.

    Milliseconds: every weight is read. Training, new values or another classifier leave the row behind.
    """
    known = model.pretrained
    return known.weights if known.weights is not None and known.fingerprint == fingerprint_of(model) else None


def fingerprint_of(model: CifarNet) -> str:
    """SHA-256 of the parameters and running statistics as float32, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if tensor.is_floating_point():  # not the norms' counters: nothing is computed with them
            digest.update(name.encode())
            digest.update(tensor.to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
