"""Get the file for a row of weights or an address: from the package, the cache or a download, with its hash checked."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from resnetzoo.errors import CheckpointError, DownloadError, UsageError
from resnetzoo.models.pretrained import Weights
from resnetzoo.utils.download import cache_folder, download
from resnetzoo.utils.files import writing
from resnetzoo.utils.paths import is_file
from resnetzoo.utils.turns import taking_turns
from resnetzoo.weights.checkpoint.file_type import HEAD, foreign_kind
from resnetzoo.weights.checkpoint.source import CheckpointSource
from resnetzoo.weights.checkpoint.torch_file import unreadable

_SCHEMES = ("https://",)
_LONGEST_NAME = 100  # characters of a file's own name in the cache
_PACKAGE_FOLDER = Path(__file__).parent / "files"


def path_of(row: Weights, folder: Path | None = None) -> Path:
    """The path of the row's file, now or once it is fetched: in the package, in `folder`, or in the cache."""
    if row.packaged:
        return _PACKAGE_FOLDER / row.file
    return cache_path(row.file) if folder is None else folder / row.file


def packaged_logits_path(row: Weights) -> Path:
    """The path of the test logits of packaged weights; `local_path` gives that of the weights."""
    return _PACKAGE_FOLDER / f"{row.name}.logits.safetensors"


def local_path(row: Weights, folder: Path | None = None) -> Path:
    """The path of the row's file on this machine, fetched if necessary.

    Args:
        row: the weights.
        folder: where to keep fetched files; the cache if left out.

    Raises:
        CheckpointError: the file does not match the row.
        DownloadError: the file is not in the cache, and could not be fetched.
        OutputError: the cache cannot be written.
    """
    path = path_of(row, folder)
    if row.url is not None and not _is_kept(path):
        url = row.url
        _fetch(url, path, lambda part: _check_sha256(part, row.sha256, url))
    else:
        _check_sha256(path, row.sha256, str(path))
    return path


def local_path_of_url(url: str) -> Path:
    """The file at an address, fetched once into the cache; a hash in its name, as torch.hub writes it, is checked.

    Digits alone are taken for a date or a number of steps, although one hash of 43 begins with eight of them.

    Raises:
        UsageError: the address is not https.
        CheckpointError: the file does not have that hash, or is a web page or similar; nothing of it is kept.
        DownloadError, OutputError: as `local_path`.
    """
    scheme, mark, rest = url.partition("://")
    url = f"{scheme.lower()}{mark}{rest}"  # schemes ignore case, and one address has one file in the cache
    name = url.split("?")[0].rstrip("/").split("/")[-1]
    short = re.sub(r"[\0-\x1f]", "", name)[-_LONGEST_NAME:]
    path = cache_path(f"{hashlib.sha256(os.fsencode(url)).hexdigest()[:16]}-{short}")  # two addresses may end alike
    if not _is_kept(path):
        said = re.search(r"-(?!\d+\.)([0-9a-f]{8,64})\.", name)

        def verify(part: Path) -> None:
            _check_sha256(part, said[1] if said else "", url, ", as its name says")
            if kind := foreign_kind(part.read_bytes()[:HEAD]):  # if it were kept, every later call would return it
                raise CheckpointError(f"{url}: {kind}")

        _fetch(url, path, verify)
    return path


def resolve_source(source: CheckpointSource) -> CheckpointSource:
    """The source to read: `source` itself, or the file that `local_path_of_url` fetches if it is an address."""
    return local_path_of_url(source) if isinstance(source, str) and "://" in source else source


def cache_path(file: str) -> Path:
    """The path of a file with this name in the cache."""
    return cache_folder() / "weights" / file


def _fetch(url: str, path: Path, verify: Callable[[Path], None]) -> None:
    """Fetch the file at an https address to `path`; the message of a failure says what to do offline."""
    if not url.startswith(_SCHEMES):
        raise UsageError(f"weights are fetched from https addresses, not from {url}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with taking_turns(path):
                if not _is_kept(path):  # otherwise another process has fetched it
                    download(url, path, verify=verify)
    except DownloadError as error:
        raise type(error)(
            f"{url} could not be fetched: {error}; fetch it on a machine with a network and put it at {path}, "
            "or use weights that the package carries"
        ) from error


def _is_kept(path: Path) -> bool:
    try:
        return is_file(path)
    except OSError as error:
        raise unreadable(path, error) from error


def _check_sha256(path: Path, beginning: str, where: str, said: str = "") -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(beginning):
        raise CheckpointError(
            f"{where}: not the file that was published: its SHA-256 is {found}, not {beginning}{said}, and it "
            f"has {len(content):,} bytes; if it is in the cache, delete it to download it again"
        )
