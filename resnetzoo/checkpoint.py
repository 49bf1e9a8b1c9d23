"""One training state as a file: written atomically with its predecessor kept, read back strictly."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from resnetzoo.errors import CheckpointError, CheckpointMismatchError
from resnetzoo.files import write_atomically
from resnetzoo.normalization import Normalization

FORMAT = "resnetzoo-checkpoint-1"
CHECKPOINT = "checkpoint.pt"
PREVIOUS = "checkpoint.previous.pt"
DAMAGED = "checkpoint.damaged.pt"


@dataclass(frozen=True)
class Checkpoint:
    """A training state between two steps.

    Attributes:
        identity: spec, recipe, seed, data and precision: what a run must share with this state to go on from it.
        step: optimizer steps done.
        model, optimizer: their state dicts.
        normalization: of the network's input.
        rows: the finished epochs, as dictionaries.
        totals: sums over the unfinished epoch.
    """

    identity: dict[str, Any]
    step: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    normalization: Normalization
    rows: list[dict[str, Any]]
    totals: dict[str, Any]


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write `folder/checkpoint.pt`; the one before it becomes `checkpoint.previous.pt`.

    Raises:
        OutputError: the folder cannot be written; the files in it are as they were.
    """
    values = {**vars(checkpoint), "format": FORMAT, "normalization": vars(checkpoint.normalization)}
    buffer = io.BytesIO()
    torch.save(values, buffer)
    write_atomically(folder / CHECKPOINT, buffer.getvalue(), previous=folder / PREVIOUS)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read one file; nothing in it is executed.

    Raises:
        CheckpointError: it is not there, truncated, damaged, or not written by this package.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path}: empty: 0 bytes found")
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    # A damaged file may fail in the archive, in the pickle or in a tensor, each with exceptions of its own.
    except Exception as error:
        size = path.stat().st_size
        first_line = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise CheckpointError(f"{path}: truncated or damaged, {size:,} bytes found ({first_line})") from error
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise CheckpointError(f"{path}: not a checkpoint of resnetzoo's trainer ({FORMAT})")
    values["normalization"] = Normalization(**values["normalization"])
    return Checkpoint(**values)


def read_latest(folder: Path) -> Checkpoint | None:
    """The newest readable state in `folder`; None where there is none at all.

    A damaged `checkpoint.pt` is refused by name, with a warning, and its predecessor is used. The damaged file is set
    aside, since the next state to be written would else push the good predecessor out.

    Raises:
        CheckpointError: every state in the folder is damaged.
    """
    last, previous = folder / CHECKPOINT, folder / PREVIOUS
    if not last.exists():
        return read_checkpoint(previous) if previous.exists() else None
    try:
        return read_checkpoint(last)
    except CheckpointError as error:
        if not previous.exists():
            raise CheckpointError(
                f"{error}; delete {folder} to start over, or choose another folder with --out"
            ) from error
        checkpoint = read_checkpoint(previous)
        last.replace(folder / DAMAGED)
        warnings.warn(f"{error}: refused and set aside as {DAMAGED}, going on from {previous}", stacklevel=4)
        return checkpoint


def check_identity(found: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    """Refuse to take the run in `folder` for another one.

    Raises:
        CheckpointMismatchError: names each field that differs, with both values.
    """
    there, here = _flat(found), _flat(wanted)
    differing = [key for key in sorted(there.keys() | here.keys()) if there.get(key) != here.get(key)]
    if differing:
        fields = "; ".join(f"{key} is {there.get(key)!r} there, {here.get(key)!r} here" for key in differing)
        raise CheckpointMismatchError(
            f"{folder} holds another run: {fields}. Choose another folder with --out, or delete that one"
        )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
