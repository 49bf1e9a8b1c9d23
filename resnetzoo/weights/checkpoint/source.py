"""The source of a checkpoint: a file on disk, an open file, or a dictionary in memory."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from torch import nn

from resnetzoo.errors import CheckpointError, UsageError
from resnetzoo.utils.paths import user_path
from resnetzoo.weights.checkpoint.file_type import HEAD, is_safetensors, is_torch
from resnetzoo.weights.checkpoint.safetensors_file import SUFFIX, read_safetensors, read_safetensors_bytes
from resnetzoo.weights.checkpoint.torch_file import read_head, read_torch_bytes, read_torch_file
from resnetzoo.weights.checkpoint.training_state import checkpoint_file

CheckpointSource = str | os.PathLike[str] | BinaryIO | Mapping[str, Any]


class Source(NamedTuple):
    """A source that was read.

    Attributes:
        name: name of the source, for messages and for the origin of the network.
        content: what it holds.
        file: path of the file, whose name may say something; None if there is no path.
    """

    name: str
    content: object
    file: Path | None = None


def read_source(source: CheckpointSource) -> Source:
    """The content of a file, the folder of a run, an open file or a dictionary; nothing in it is executed.

    Raises:
        CheckpointError: it is missing, damaged or of another kind.
        UsageError: `source` is none of these.
    """
    if isinstance(source, str | os.PathLike):
        file = checkpoint_file(user_path(source))
        if "://" in (word := os.fspath(source)) and not file.exists():
            raise CheckpointError(f"{word}: no such checkpoint, but an address: resnetzoo.load_model fetches it")
        return Source(str(file), read_file(file), file)
    if isinstance(source, Mapping):
        return Source("dictionary in memory", source)
    if hasattr(source, "read"):
        return _read_open_file(source)
    instead = "; give its state_dict()" if isinstance(source, nn.Module) else ""
    raise UsageError(
        "a checkpoint is the path of a file, a file opened with mode 'rb', or a dictionary of weights, not "
        f"{type(source).__name__}{instead}"
    )


def read_file(file: Path) -> object:
    """The content of a file, whose first bytes say how it is written; nothing in it is executed.

    Raises:
        CheckpointError: it is missing, damaged or of another kind.
    """
    head, _ = read_head(file)
    named = file.suffix.lower() == SUFFIX and not is_torch(head)  # then it is damaged, or of another kind
    return read_safetensors(file) if named or is_safetensors(head) else read_torch_file(file)


def _read_open_file(file: BinaryIO) -> Source:
    said = getattr(file, "name", None)
    name = said if isinstance(said, str) else "open file"
    try:
        data: object = file.read()
    except (OSError, ValueError) as error:  # ValueError: the file is closed, or is not text in UTF-8
        raise CheckpointError(f"{name}: cannot be read: {error}; open it with mode 'rb'") from error
    if not isinstance(data, bytes):
        raise UsageError(f"{name}: opened as text; open it with mode 'rb'")
    if not data:
        raise CheckpointError(
            f"{name}: empty: 0 bytes found, read from its present position; seek(0) goes to its beginning"
        )
    read = read_safetensors_bytes if is_safetensors(data[:HEAD]) else read_torch_bytes
    return Source(name, read(data, name), Path(name) if isinstance(said, str) else None)
