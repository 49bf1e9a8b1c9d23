"""Files of safetensors: weights by name, and in this package's own files what they are.

Ours carry, in the file's metadata, as JSON: `spec`, as `ModelSpec.to_dict()` gives it; `normalization`,
{"kind", "mean", "std", "size"} with lists of the tensors' shapes, mean (C, H, W) or (C, 1, 1) and std (C, 1, 1), and
the side of the training's images in pixels or null, which older files lack; and `classes`, a list of their names.
"""

import json
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import CheckpointError
from resnetzoo.models.spec import ModelSpec
from resnetzoo.weights.checkpoint.build import stored_spec
from resnetzoo.weights.checkpoint.file_type import foreign_kind, is_safetensors
from resnetzoo.weights.checkpoint.torch_file import read_head

SUFFIX = ".safetensors"


class SafetensorsFile(NamedTuple):
    """Weights by name, and the file's metadata."""

    weights: dict[str, Tensor]
    metadata: dict[str, str]

    @property
    def spec(self) -> ModelSpec | None:
        """What the network is, in a file of this package.

        Raises:
            CheckpointError: it cannot be read.
        """
        return stored_spec(_json(self.metadata, "spec")) if "spec" in self.metadata else None

    @property
    def normalization(self) -> Normalization | None:
        """The map from pixels to input, in a file of this package.

        Raises:
            CheckpointError: it cannot be read.
        """
        if "normalization" not in self.metadata:
            return None
        values = _json(self.metadata, "normalization")
        try:
            mean, std = (torch.tensor(values[key], dtype=torch.float32) for key in ("mean", "std"))  # type: ignore[index]
            if mean.dim() != 3 or std.shape != (len(mean), 1, 1):
                raise ValueError(f"mean of shape {list(mean.shape)}, std of shape {list(std.shape)}")
            size = values.get("size")  # type: ignore[attr-defined]
            if size is not None and (type(size) is not int or size < 1):
                raise ValueError(f"size {size!r}")
            return Normalization(values["kind"], mean, std, size)  # type: ignore[index]
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the normalization in its metadata cannot be read: {error}") from error

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes, in a file of this package that says them.

        Raises:
            CheckpointError: they cannot be read, or are not as many as the network tells apart.
        """
        if "classes" not in self.metadata:
            return None
        names = _json(self.metadata, "classes")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise CheckpointError(f"the classes in its metadata are no list of names: {names!r}")
        if self.spec is not None and len(names) != self.spec.num_classes:
            raise CheckpointError(f"its metadata names {len(names)} classes for a network of {self.spec.num_classes}")
        return tuple(names)


def read_safetensors(path: Path) -> SafetensorsFile:
    """What a file of safetensors holds, with its tensors on the CPU.

    Raises:
        CheckpointError: it is not there, empty, truncated or of another kind, or safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise CheckpointError(f"{path}: reading it needs the package safetensors: pip install safetensors") from error
    head, size = read_head(path)
    if kind := foreign_kind(head):
        raise CheckpointError(f"{path}: {kind}")
    if head.startswith((b"PK", b"\x80")) and not is_safetensors(head):
        raise CheckpointError(f"{path}: a file of torch.save or a zip archive, not of safetensors; name it .pt")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return SafetensorsFile({name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: truncated, damaged or not of safetensors, {size:,} bytes found ({error})"
        ) from error


def _json(metadata: dict[str, str], key: str) -> object:
    try:
        return json.loads(metadata[key])
    except ValueError as error:
        raise CheckpointError(f"the {key} in its metadata is no JSON: {error}") from error
