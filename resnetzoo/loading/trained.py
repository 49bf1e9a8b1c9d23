"""The network in a training state of `fit`."""

import os
from pathlib import Path

from torch import Tensor

from resnetzoo.checkpoint import CHECKPOINT, Checkpoint, read_checkpoint
from resnetzoo.errors import CheckpointError, UsageError
from resnetzoo.loading.build import build_network
from resnetzoo.loading.unwrap import kind_of
from resnetzoo.network import CifarNet
from resnetzoo.normalization import carry_normalization
from resnetzoo.spec import ModelSpec

SUFFIXES = {".pt", ".pth", ".th", ".tar", ".ckpt", ".bin", ".safetensors"}  # what people name files of weights


def looks_like_a_file(word: str) -> bool:
    """Whether a word that may also be a name is meant as a file: it is there, or is written as one."""
    path = Path(word)
    return path.exists() or "/" in word or os.sep in word or path.suffix.lower() in SUFFIXES


def open_checkpoint(path: str | Path) -> Checkpoint:
    """The training state in a file, or in a run's folder.

    Raises:
        CheckpointError: not there, truncated, damaged, or not written by `fit`.
    """
    return read_checkpoint(checkpoint_file(Path(path)))


def network_of(checkpoint: Checkpoint) -> CifarNet:
    """The network of a training state.

    Raises:
        CheckpointError: it is of a network that is not this package's, or lacks part of it.
    """
    identity: object = checkpoint.identity
    if not isinstance(identity, dict):
        raise CheckpointError(f"a damaged training state: its identity is {kind_of(identity)}, not a dictionary")
    spec = identity.get("spec") or {}
    if isinstance(spec, dict) and "family" not in spec:
        found = spec.get("class", "network of another kind")
        raise CheckpointError(
            f"the checkpoint is of a {found}, which resnetzoo cannot build: load its weights yourself"
        )
    model = build_network(stored_spec(spec), _stored_weights(checkpoint.model))
    carry_normalization(model, checkpoint.normalization)
    model.classes = checkpoint.classes if len(checkpoint.classes) == model.num_classes else None
    return model


def stored_spec(values: object) -> ModelSpec:
    """The spec that a file of this package carries.

    Raises:
        CheckpointError: it is none, or of another version.
    """
    try:
        return ModelSpec.from_dict(values)  # type: ignore[arg-type]
    except (KeyError, TypeError, UsageError) as error:
        raise CheckpointError(f"its spec is none that this version of resnetzoo reads: {values!r} ({error})") from error


def _stored_weights(values: object) -> dict[str, Tensor]:
    """The weights in a training state.

    Raises:
        CheckpointError: they are not tensors by name.
    """
    if not isinstance(values, dict):
        raise CheckpointError(f"a damaged training state: its weights are {kind_of(values)}, not a dictionary")
    for name, value in values.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise CheckpointError(
                f"a damaged training state: {kind_of(value)} under {name!r:.40}, not a tensor by its name"
            )
    return values


def checkpoint_file(path: Path) -> Path:
    """`path`, or the checkpoint in it if it is a run's folder.

    Raises:
        CheckpointError: a folder without one, or one that may not be read.
    """
    try:
        if not path.is_dir():
            return path
        if (path / CHECKPOINT).exists():
            return path / CHECKPOINT
        others = sorted(file.name for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    instead = f"; give one of its files: {', '.join(others[:4])}" if others else ""
    raise CheckpointError(f"{path}: a folder without {CHECKPOINT}{instead}")
