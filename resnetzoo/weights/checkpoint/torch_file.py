"""Open files of `torch.save` without running code from them."""

import io
import re
import threading
import zipfile
import zlib
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from stat import S_ISREG
from typing import NamedTuple, cast

import numpy as np
import torch

from resnetzoo.errors import CheckpointError, DamagedCheckpointError
from resnetzoo.utils.files import check_readable, read_to_end
from resnetzoo.utils.memory import is_out_of_memory
from resnetzoo.utils.text import first_line
from resnetzoo.weights.checkpoint.file_type import HEAD, foreign_kind, is_safetensors
from resnetzoo.weights.checkpoint.tensor_kinds import tensor_kind

_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number at the head of files from before 1.6
# Of zipfile. An altered header makes it take a part for an encrypted one or for one of another compression, or look for
# it beyond any file.
_ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, OverflowError)
_SAVE_WEIGHTS = (
    'where it was made, load it and save its weights alone: torch.save(model.state_dict(), "network-weights.pt")'
)


def read_torch_file(path: Path) -> object:
    """The content of a `torch.save` file, with its tensors on the CPU; nothing in it is executed.

    Raises:
        DamagedCheckpointError: all of it was read, and it is empty, truncated or damaged.
        CheckpointError: it is missing, cannot be read, is of another kind, or asks for code.
    """
    head, size = read_head(path)
    return _read(path, _Facts(str(path), head, size))


def read_torch_bytes(data: bytes, name: str) -> object:
    """The same for the bytes of a file, called `name` in messages.

    Raises:
        CheckpointError: as in `read_torch_file`.
    """
    return _read(io.BytesIO(data), _Facts(name, data[:HEAD], len(data)))


class _Facts(NamedTuple):
    """A file's name for messages, its first bytes, and its size in bytes."""

    name: str
    head: bytes
    size: int

    @property
    def weights_name(self) -> str:
        """Another file name, for only its weights."""
        return f"{PurePath(self.name).stem}-weights.pt"


def _read(file: Path | io.BytesIO, facts: _Facts) -> object:
    not_torch = _other_kind(file, facts)
    if not_torch:
        raise CheckpointError(f"{facts.name}: {not_torch}")
    if words := _damage(file, facts):
        raise _damaged(file, facts, words)
    try:
        # Open, since torch takes a path that ends in .safetensors for that, and none whose name is not of UTF-8.
        with file.open("rb") if isinstance(file, Path) else nullcontext(file) as content, allow_safe_globals():
            return torch.load(content, map_location="cpu", weights_only=True)
    # A damaged file may fail in the archive, in the pickle or in a tensor, each with exceptions of its own.
    except Exception as error:
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code:
            raise CheckpointError(f"{facts.name}: refused: {_asks_for_code(code[1])}") from None
        if is_out_of_memory(error):
            raise CheckpointError(f"{facts.name}: too little memory to read its {facts.size:,} bytes") from error
        raise _damaged(file, facts, first_line(error)[:100]) from error


def _damaged(file: Path | io.BytesIO, facts: _Facts, words: str) -> CheckpointError:
    """What is wrong with a file that cannot be opened; it counts as damaged only if all its bytes can be read."""
    if isinstance(file, Path):
        try:
            check_readable(file)
        except OSError as error:
            return unreadable(file, error)
    return DamagedCheckpointError(f"{facts.name}: truncated or damaged, {facts.size:,} bytes found ({words})")


def unreadable(path: Path, error: OSError) -> CheckpointError:
    """The error for a file whose content is unknown."""
    return CheckpointError(f"{path}: cannot be read: {error.strerror or error}")


def _asks_for_code(name: str) -> str:
    kind = tensor_kind(name)
    if kind is not None:
        return f"it holds {kind}"
    return (
        f"it does not contain plain weights but asks for the code of {name}, and opening it could run arbitrary code; "
        f"{_SAVE_WEIGHTS}"
    )


def read_head(path: Path) -> tuple[bytes, int]:
    """The first bytes of a file and its size in bytes.

    Raises:
        DamagedCheckpointError: it is empty.
        CheckpointError: it is missing, or cannot be read.
    """
    try:
        if not S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{path}: no such checkpoint: it is not a file")
        with path.open("rb") as file:
            head, size = file.read(HEAD), path.stat().st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        link = ", but a link to a missing file" * path.is_symlink()
        raise CheckpointError(f"{path}: no such checkpoint{link}") from error
    except OSError as error:
        raise unreadable(path, error) from error
    if not head:
        raise DamagedCheckpointError(f"{path}: empty: 0 bytes found")
    return head, size


def _other_kind(file: Path | io.BytesIO, facts: _Facts) -> str | None:
    """The kind of a file that `torch.save` did not write; None if it may have written it or the file is damaged."""
    head = facts.head
    if head.startswith(b"PK"):
        return _other_archive(file, facts)
    if head.startswith(b"\x80"):
        if _LEGACY in head:
            return None
        return f"a pickle, but not from torch.save, and opening it could run arbitrary code; {_SAVE_WEIGHTS}"
    if kind := foreign_kind(head):
        return kind
    if is_safetensors(head):
        return "a file of safetensors, not of torch.save"
    return None


def _damage(file: Path | io.BytesIO, facts: _Facts) -> str | None:
    """What is wrong with a `torch.save` file according to its two ends and its checksums; None if all is as written."""
    head = facts.head
    if head.startswith(b"PK"):
        return "an archive without its end" if _names_in(file) is None else _damaged_part(file)
    if head.startswith(b"\x80"):
        return None
    if head.isascii() and head.decode("ascii").replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable():
        return f"text: {head[:40].decode('ascii')!r}"
    return f"neither an archive of torch.save nor a pickle: {head[:8]!r}"


def _names_in(file: Path | io.BytesIO) -> list[str] | None:
    """The names in an archive according to the list at its end; None if there is no list."""
    try:
        with _opened(file) as archive:
            return archive.namelist()
    except _ARCHIVE_ERRORS:
        return None


def _damaged_part(file: Path | io.BytesIO) -> str | None:
    """What zipfile says of the first part of an archive that is not as written, which `torch.load` does not check.

    Parts with a checksum of zero are left out: `torch.serialization.set_crc32_options(False)` writes those.
    """
    try:
        with _opened(file) as archive:
            for part in archive.infolist():
                if part.CRC:
                    with archive.open(part) as content:
                        read_to_end(content)
    except _ARCHIVE_ERRORS as error:
        return first_line(error)[:100]
    return None


@contextmanager
def _opened(file: Path | io.BytesIO) -> Iterator[zipfile.ZipFile]:
    """Open an archive; afterwards, bytes in memory are at their beginning again."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    finally:
        if isinstance(file, io.BytesIO):
            file.seek(0)


def _other_archive(file: Path | io.BytesIO, facts: _Facts) -> str | None:
    names = _names_in(file)
    if names is None:
        return None
    name = repr(facts.name)
    if any(name.endswith("/constants.pkl") for name in names):
        return (
            "a TorchScript program, not weights; save those alone: "
            f'torch.save(torch.jit.load({name}).state_dict(), "{facts.weights_name}")'
        )
    if any(re.search(r"(^|/)(archive_format$|data/weights/|serialized_exported_program)", name) for name in names):
        return (
            "a program of torch.export, not weights; save those alone: "
            f'torch.save(torch.export.load({name}).state_dict, "{facts.weights_name}")'
        )
    if any(name.endswith(".npy") for name in names):
        return "an archive of numpy (.npz), not of torch.save"
    if not any(name.endswith("/data.pkl") for name in names):
        return f"a zip archive, but not one of torch.save: it holds {', '.join(names[:3]) or 'nothing'}"
    return None


_NUMBERS = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "U1")
_LOCK = threading.Lock()  # torch has one list of what it trusts for the whole process


@contextmanager
def allow_safe_globals() -> Iterator[None]:
    """Let `torch.load(weights_only=True)` create these types too; what the caller has allowed stays allowed."""
    with _LOCK:
        before = torch.serialization.get_safe_globals()
        with torch.serialization.safe_globals([one for one in _safe_globals() if one not in before]):
            yield


def _safe_globals() -> list[Callable[..., object] | tuple[Callable[..., object], str]]:
    """The types and functions that files may ask for besides those that torch allows, with the names they use."""
    number = cast("Callable[..., object]", np.float64(0).__reduce__()[0])  # its module depends on numpy's version
    paths = ((PurePosixPath, "PosixPath"), (PureWindowsPath, "WindowsPath"))  # pure: no system makes the other's
    return [
        Namespace,
        *((path, f"{module}.{name}") for module in ("pathlib", "pathlib._local") for path, name in paths),
        (_dictionary, "collections.defaultdict"),
        *((factory, f"builtins.{factory.__name__}") for factory in (bool, dict, float, int, list, str)),
        (number, "numpy.core.multiarray.scalar"),
        (number, "numpy._core.multiarray.scalar"),
        (np.dtype, "numpy.dtype"),
        *(type(np.dtype(code)) for code in _NUMBERS),
    ]


def _dictionary(_factory: object = None) -> dict[object, object]:
    """A substitute for defaultdict, which torch does not fill; nothing here looks up missing keys."""
    return {}
