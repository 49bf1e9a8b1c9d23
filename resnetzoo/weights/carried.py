"""Whether a network still has the weights that its row speaks of."""

import hashlib

import torch

from resnetzoo.network import CifarNet
from resnetzoo.weights.row import Weights


def carry_row(model: CifarNet, row: Weights) -> None:
    """Let `model` say which row its weights are of, as `model.weights`, and remember what they are now."""
    model.weights, model.weights_fingerprint = row, fingerprint_of(model)


def true_row(model: CifarNet) -> Weights | None:
    """The row that `model` carries, if its weights are still the ones that the row came with.

    Milliseconds: every weight is read. Training, new values or another classifier leave the row behind.
    """
    row = model.weights
    return row if row is not None and model.weights_fingerprint == fingerprint_of(model) else None


def fingerprint_of(model: CifarNet) -> str:
    """SHA-256 of the parameters and running statistics as float32, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if tensor.is_floating_point():  # not the norms' counters: nothing is computed with them
            digest.update(name.encode())
            digest.update(tensor.to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
