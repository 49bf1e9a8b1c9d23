"""Files of `torch.save`, opened without running what is in them."""

import re
import zipfile
from pathlib import Path

import torch

from resnetzoo.errors import CheckpointError
from resnetzoo.file_kinds import HEAD, foreign_kind, is_safetensors
from resnetzoo.harmless import harmless_types_allowed

_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's number at the head of the files of before 1.6
_SAVE_WEIGHTS = 'where it was made, load it and save its weights alone: torch.save(model.state_dict(), "weights.pt")'


def read_torch_file(path: Path) -> object:
    """What a file of `torch.save` holds, with its tensors on the CPU; nothing in it is executed.

    Raises:
        CheckpointError: it is not there, empty, truncated, damaged, of another kind, or asks for code.
    """
    head, size = read_head(path)
    not_torch = _other_kind(head, path)
    if not_torch:
        raise CheckpointError(f"{path}: {not_torch}")
    try:
        with harmless_types_allowed():
            return torch.load(path, map_location="cpu", weights_only=True)
    # A damaged file may fail in the archive, in the pickle or in a tensor, each with exceptions of its own.
    except Exception as error:
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code:
            raise CheckpointError(
                f"{path}: refused: it is no plain weights but asks for the code of {code[1]}, and opening it could "
                f"run anybody's; {_SAVE_WEIGHTS}"
            ) from None
        raise CheckpointError(f"{path}: truncated or damaged, {size:,} bytes found ({_first_line(error)})") from error


def read_head(path: Path) -> tuple[bytes, int]:
    """The first bytes of a file, and the number of all.

    Raises:
        CheckpointError: it is not there, empty, or may not be read.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"{path}: no such checkpoint")
        with path.open("rb") as file:
            head, size = file.read(HEAD), path.stat().st_size
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    if size == 0:
        raise CheckpointError(f"{path}: empty: 0 bytes found")
    return head, size


def _other_kind(head: bytes, path: Path) -> str | None:
    """What a file is that `torch.save` did not write; None if it may have."""
    if head.startswith(b"PK"):
        return _other_archive(path)
    if head.startswith(b"\x80"):
        if _LEGACY in head:
            return None
        return f"a pickle, but none of torch.save, and opening it could run anybody's code; {_SAVE_WEIGHTS}"
    if kind := foreign_kind(head):
        return kind
    if is_safetensors(head):
        return "a file of safetensors; let its name end in .safetensors"
    size = path.stat().st_size
    if head.isascii() and head.decode("ascii").replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable():
        return f"truncated or damaged, {size:,} bytes found (text: {head[:40].decode('ascii')!r})"
    return f"truncated or damaged, {size:,} bytes found (neither an archive of torch.save nor a pickle: {head[:8]!r})"


def _other_archive(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return f"truncated or damaged, {path.stat().st_size:,} bytes found (an archive without its end)"
    if any(name.endswith("/constants.pkl") for name in names):
        return (
            "a TorchScript program, not weights; save those alone: "
            'torch.save(torch.jit.load(path).state_dict(), "weights.pt")'
        )
    if any(re.search(r"(^|/)(archive_format$|data/weights/|serialized_exported_program)", name) for name in names):
        return (
            "a program of torch.export, not weights; save those alone: "
            'torch.save(torch.export.load(path).state_dict, "weights.pt")'
        )
    if any(name.endswith(".npy") for name in names):
        return "an archive of numpy (.npz), not of torch.save"
    if not any(name.endswith("/data.pkl") for name in names):
        return f"a zip archive, but none of torch.save: it holds {', '.join(names[:3]) or 'nothing'}"
    return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]
