"""Files from the internet: a large one piece by piece, a small one whole, each checked against what was published."""

import hashlib
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from resnetzoo.errors import CheckpointError, DownloadError, UsageError


def cache_folder() -> Path:
    """The per-user cache: `$XDG_CACHE_HOME/resnetzoo`, by default `~/.cache/resnetzoo`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "resnetzoo"


_CHUNK = 1 << 18  # bytes
_TIMEOUT = 20.0  # seconds without a byte
NETWORK_ERRORS = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


def _fetch(urls: Sequence[str], packed: Path, *, size: int, md5: str) -> None:
    part = packed.with_name(packed.name + ".part")
    reasons = []
    for url in urls:
        try:
            _append(url, part, size)
        except NETWORK_ERRORS as error:
            reasons.append(f"{url}: {getattr(error, 'reason', None) or error}")
            continue
        have, found = part.stat().st_size, _md5(part)
        if found == md5:
            part.replace(packed)
            return
        if have < size:
            reasons.append(f"{url}: broke off after {have:,} of {size:,} bytes")
        else:
            part.unlink()  # wrong bytes: nothing to go on from
            reasons.append(f"{url}: MD5 {found}, not {md5}")
    raise DownloadError(f"{packed.name} could not be downloaded: {'; '.join(reasons)}")


def _append(url: str, part: Path, size: int) -> None:
    """Go on with the download at the end of `part`; start over where the server cannot."""
    have = part.stat().st_size if part.exists() else 0
    if have >= size:
        have = 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 (our own https addresses)
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
        resumed = have > 0 and response.status == 206
        if not resumed:
            have = 0
        with _progress(part.stem, size) as advance, part.open("ab" if resumed else "wb") as file:
            advance(have)
            while have <= size and (chunk := response.read(_CHUNK)):
                file.write(chunk)
                advance(len(chunk))
                have += len(chunk)


@contextmanager
def _progress(title: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, with bytes, speed and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=size)
        yield lambda count: bar.advance(task, count)


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


_SCHEMES = ("https://",)
_TIMEOUT = 20.0  # seconds without a byte


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
