"""Whether a network still has the weights that its row speaks of, also after it was in a file.

Files carry in their metadata `weights`, the row as JSON of `Weights.to_dict()`, and `weights_fingerprint`, as
`fingerprint_of` gives it of the weights that the row is true of.
"""

import hashlib
import json
from dataclasses import replace

import torch

from resnetzoo.errors import CheckpointError
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


def row_metadata_of(model: CifarNet) -> dict[str, str]:
    """For a file of the network: its row, as JSON, if it is true of it, and the fingerprint of the weights."""
    row, fingerprint = true_row(model), model.pretrained.fingerprint
    if row is None or fingerprint is None:
        return {}
    return {"weights": json.dumps(row.to_dict()), "weights_fingerprint": fingerprint}


def restore_row(model: CifarNet, metadata: dict[str, str]) -> None:
    """Let `model`, just read from a file with this metadata, carry the row in it, if the weights are the row's.

    Weights that were rounded to fp16 on their way, or replaced in the file, are not.

    Raises:
        CheckpointError: the row cannot be read.
    """
    fingerprint = metadata.get("weights_fingerprint")
    if fingerprint is None or fingerprint != fingerprint_of(model):
        return
    try:
        row = Weights.from_dict(json.loads(metadata["weights"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the row of weights in its metadata cannot be read: {error}") from error
    model.pretrained = replace(model.pretrained, weights=row, fingerprint=fingerprint)


def fingerprint_of(model: CifarNet) -> str:
    """SHA-256 of the parameters and running statistics as float32, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if tensor.is_floating_point():  # not the norms' counters: nothing is computed with them
            digest.update(name.encode())
            digest.update(tensor.to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
