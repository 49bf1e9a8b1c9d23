"""Read safetensors files: weights by name, and metadata strings."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.utils.strict_json import from_json
from resnetzoo.utils.text import encodable
from resnetzoo.weights.checkpoint.file_type import foreign_kind, is_torch
from resnetzoo.weights.checkpoint.torch_file import read_head, unreadable

SUFFIX = ".safetensors"


class SafetensorsFile(NamedTuple):
    """Weights by name and the file's metadata, which `parse_metadata` parses for files of this package."""

    weights: dict[str, Tensor]
    metadata: dict[str, str]


def read_safetensors(path: Path) -> SafetensorsFile:
    """The content of a safetensors file, with its tensors on the CPU.

    Raises:
        CheckpointError: it is missing, empty, truncated or of another kind, or safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise CheckpointError(f"{path}: reading it needs the package safetensors: pip install safetensors") from error
    head, size = read_head(path)
    if kind := foreign_kind(head):
        raise CheckpointError(f"{path}: {kind}")
    if is_torch(head):
        raise CheckpointError(f"{path}: a file of torch.save or a zip archive, not of safetensors")
    if encodable(str(path)) != str(path):  # safetensors opens files by names in UTF-8 alone
        return _read_bytes_of(path)
    try:
        # On torch 2.6, `device` alone does not override a default device that the caller has set.
        with torch.device("cpu"), safe_open(path, framework="pt", device="cpu") as file:
            return SafetensorsFile({name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {})  # noqa: SIM118
    except OSError as error:
        raise unreadable(path, error) from error
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path}: truncated, damaged or not of safetensors, {size:,} bytes found ({error})"
        ) from error


def _read_bytes_of(path: Path) -> SafetensorsFile:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    return read_safetensors_bytes(data, str(path))


def read_safetensors_bytes(data: bytes, name: str) -> SafetensorsFile:
    """The same for the bytes of a file, called `name` in messages.

    Raises:
        CheckpointError: truncated or damaged, or safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load
    except ImportError as error:
        raise CheckpointError(f"{name}: reading it needs the package safetensors: pip install safetensors") from error
    try:
        with torch.device("cpu"):
            weights = load(data)
        header = from_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{name}: truncated, damaged or not of safetensors, {len(data):,} bytes found ({error})"
        ) from error
    return SafetensorsFile(weights, header.get("__metadata__", {}))
