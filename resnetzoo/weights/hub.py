"""Where a row's file is: in the package, in the cache, or fetched into it, always with its hash checked."""

import hashlib
import re
from pathlib import Path

from resnetzoo.errors import CheckpointError
from resnetzoo.models.pretrained import Weights
from resnetzoo.utils.download import _checked, cache_folder, fetch
from resnetzoo.utils.files import write_atomically
from resnetzoo.weights.checkpoint.file_type import HEAD, foreign_kind

_PACKAGED = Path(__file__).parent / "files"


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
