"""Where a row's file is: in the package, in the cache, or fetched into it, always with its hash checked."""

import hashlib
import re
import urllib.error
import urllib.request
from pathlib import Path

from resnetzoo.data.cifar import cache_folder
from resnetzoo.data.download import NETWORK_ERRORS
from resnetzoo.errors import CheckpointError, DownloadError, UsageError
from resnetzoo.file_kinds import HEAD, foreign_kind
from resnetzoo.files import write_atomically
from resnetzoo.weights.row import Weights

_PACKAGED = Path(__file__).parent / "files"
_SCHEMES = ("https://",)
_TIMEOUT = 20.0  # seconds without a byte


def place_of(row: Weights, folder: Path | None = None) -> Path:
    """Where the row's file is, or will be once it is fetched: in the package, in `folder`, or in the cache."""
    if row.packaged:
        return _PACKAGED / row.file
    return cached(row.file) if folder is None else folder / row.file


def file_of(row: Weights, folder: Path | None = None) -> Path:
    """The row's file on this machine, fetched if it has to be.

    Args:
        row: the weights.
        folder: where to keep what is fetched; left out, the cache.

    Raises:
        CheckpointError: the file is not the one of the row.
        DownloadError: it is in no cache, and could not be fetched.
        OutputError: the cache cannot be written.
    """
    path = place_of(row, folder)
    if row.url is not None and not path.is_file():
        write_atomically(path, _checked(fetch(row.url, path), row.sha256, row.url))
        return path
    _checked(path.read_bytes(), row.sha256, str(path))
    return path


def file_at(url: str) -> Path:
    """The file at an address, fetched into the cache once; a hash in its name, as torch.hub writes it, is checked.

    Raises:
        UsageError: no https address.
        CheckpointError: the file does not have that hash, or is a web page or alike; nothing is kept of it.
        DownloadError, OutputError: as `file_of`.
    """
    name = url.split("?")[0].rstrip("/").split("/")[-1]
    path = cached(f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{name}")  # two addresses may end alike
    if not path.is_file():
        said = re.search(r"-([0-9a-f]{8,64})\.", name)
        content = _checked(fetch(url, path), said[1] if said else "", url)
        if kind := foreign_kind(content[:HEAD]):  # kept, it would be answered for ever
            raise CheckpointError(f"{url}: {kind}")
        write_atomically(path, content)
    return path


def located(place: str | Path) -> Path:
    """The file that is meant: `place` itself, or what `file_at` fetches where it is an address."""
    return file_at(place) if isinstance(place, str) and "://" in place else Path(place)


def cached(file: str) -> Path:
    """Its place in the cache."""
    return cache_folder() / "weights" / file


def fetch(url: str, path: Path) -> bytes:
    """What is at an https address; `path` is where it will be kept, for the message.

    Raises:
        UsageError: another kind of address, or none.
        DownloadError: it does not come; the message says what to do offline.
    """
    if not url.startswith(_SCHEMES):
        raise UsageError(f"weights are fetched from https addresses, not from {url}")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:  # noqa: S310 (the schemes above alone)
            content: bytes = response.read()
    except NETWORK_ERRORS as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer, still open
            reason = f"status {error.code}, {reason}"
        raise DownloadError(
            f"{url} could not be fetched: {reason}; fetch it on a machine with a network and put it at {path}, "
            "or use weights that the package carries"
        ) from error
    except ValueError as error:  # among them those of encoding it
        raise UsageError(
            f"{url} is no address that can be fetched: {error}; other letters than ASCII are written as %XX"
        ) from error
    return content


def _checked(content: bytes, sha256: str, where: str) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(sha256):
        raise CheckpointError(
            f"{where}: not the file that was published: its SHA-256 is {found}, not {sha256}; "
            "delete it, if it is in the cache, to have it fetched again"
        )
    return content
