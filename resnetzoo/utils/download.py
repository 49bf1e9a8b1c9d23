"""One file from the internet, checked before it is kept; a large one goes on from where it broke off."""

import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from resnetzoo.errors import DownloadError, ResnetzooError, UsageError

_CHUNK = 1 << 18  # bytes
_TIMEOUT = 20.0  # seconds without a byte
_NETWORK_ERRORS = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


def cache_folder() -> Path:
    """The per-user cache: `$XDG_CACHE_HOME/resnetzoo`, by default `~/.cache/resnetzoo`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "resnetzoo"


def download(url: str, path: Path, *, verify: Callable[[Path], None], size: int | None = None) -> None:
    """Fetch the file at `url` to `path`, where it stands only once it is whole and `verify` has passed it.

    Of a file of known size, what has come is kept beside it as `NAME.part` when the download breaks off, and the next
    call goes on from there; a bar shows how far it is.

    Args:
        url: an address.
        path: where to put the file, in a folder that is there.
        verify: raises an error of this package for a file that is not the right one; such a file is deleted.
        size: of the file in bytes, where it is known.

    Raises:
        DownloadError: it does not come, or not whole; the message is the reason alone.
        UsageError: no address that can be fetched.
        OSError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part" if size is None else f"{path.name}.part")
    try:
        _append(url, part, size)
    except BaseException:
        if size is None:
            part.unlink(missing_ok=True)
        raise
    try:
        verify(part)
    except ResnetzooError:
        part.unlink()  # wrong bytes: nothing to go on from
        raise
    part.replace(path)


def _append(url: str, part: Path, size: int | None) -> None:
    """Go on with a download of known size at the end of `part`; start over where the server cannot, and others."""
    have = part.stat().st_size if size is not None and part.exists() else 0
    if size is not None and have >= size:
        have = 0
    try:
        with _open(url, have) as response:
            resumed = have > 0 and response.status == 206
            if not resumed:
                have = 0
            whole = size if size is not None or response.length is None else have + response.length
            bar = nullcontext(_ignore) if size is None else _progress(part.stem, size)
            with bar as advance, part.open("ab" if resumed else "wb") as file:
                advance(have)
                while (size is None or have <= size) and (chunk := response.read(_CHUNK)):
                    file.write(chunk)
                    advance(len(chunk))
                    have += len(chunk)
    except _NETWORK_ERRORS as error:
        raise DownloadError(_reason(error)) from error
    if whole is not None and have < whole:
        raise DownloadError(f"broke off after {have:,} of {whole:,} bytes")


def _open(url: str, start: int) -> HTTPResponse:
    """The answer of a server that is asked for the bytes from `start` on.

    Raises:
        UsageError: no address that can be fetched.
    """
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})  # noqa: S310 (the callers' addresses are of https)
        response: HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310
    except ValueError as error:  # among them those of encoding it
        raise UsageError(
            f"{url} is no address that can be fetched: {error}; other letters than ASCII are written as %XX"
        ) from error
    return response


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(error, urllib.error.HTTPError):
        error.close()  # it is the answer, still open
        return f"status {error.code}, {reason}"
    return str(reason)


def _ignore(_count: int) -> None:
    """In place of a bar."""


@contextmanager
def _progress(title: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, with bytes, speed and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=size)
        yield lambda count: bar.advance(task, count)
