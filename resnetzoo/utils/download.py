"""Download one file, check it before it is kept, and resume a large one where it broke off."""

import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from resnetzoo.errors import BrokenDownloadError, DownloadError, ResnetzooError, UsageError
from resnetzoo.utils.own_files import abandoned, own_name
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.streams import lasting
from resnetzoo.utils.terminal import console

_CHUNK = 1 << 18  # bytes
_TIMEOUT = 20.0  # seconds without a byte
_NETWORK_ERRORS = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


def cache_folder() -> Path:
    """The per-user cache: `$XDG_CACHE_HOME/resnetzoo`, by default `~/.cache/resnetzoo`.

    Raises:
        UsageError: neither this variable nor a home folder exists.
    """
    word = os.environ.get("XDG_CACHE_HOME")
    try:
        return user_path(word or "~/.cache") / "resnetzoo"
    except UsageError as error:
        raise UsageError(
            f"$XDG_CACHE_HOME names no folder: {error}"
            if word
            else "there is no folder for a cache, since this process has no home folder: set XDG_CACHE_HOME or HOME"
        ) from error


def download(
    url: str, path: Path, *, verify: Callable[[Path], None], size: int | None = None, kept_as: Path | None = None
) -> None:
    """Fetch the file at `url` to `path`, which appears only once the file is complete and `verify` has accepted it.

    Until then each process writes to its own file. A bar shows the progress of a file of known size.

    Args:
        url: an address.
        path: where to put the file, in an existing folder.
        verify: raises an error of this package for a wrong file, which is then deleted.
        size: size of the file in bytes, if known.
        kept_as: where to keep the received part, in the same folder, if the download breaks off. The next download with
            the same name resumes from it, or from the part that a killed process left.

    Raises:
        DownloadError: the file could not be fetched.
        BrokenDownloadError: only a part of it arrived. The messages of both errors are only the reason.
        UsageError: the address cannot be fetched.
        OSError: the file cannot be written.
    """
    part = own_name(path if kept_as is None else kept_as)
    try:
        have = 0 if kept_as is None else _take_over(kept_as, part)
        _append(url, part, have, size, kept_as)
        try:
            verify(part)
        except ResnetzooError:
            if not have:
                raise
            _append(url, part, 0, size, kept_as)  # the part that an earlier download left may have been wrong already
            verify(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _take_over(kept: Path, part: Path) -> int:
    """Turn the remains of earlier downloads into `part`, and delete the rest; return the length of `part` in bytes."""
    for left in (kept, *abandoned(kept)):
        with suppress(OSError):  # missing, another user's, or taken by another process a moment ago
            if part.exists():
                left.unlink()
            elif os.access(left, os.R_OK | os.W_OK):
                left.replace(part)
    return part.stat().st_size if part.exists() else 0


def _append(url: str, part: Path, start: int, size: int | None, kept_as: Path | None) -> None:
    """Continue a download after the first `start` bytes of `part`; start over if the server cannot."""
    if start and start == size:
        return  # the file was complete, but the process ended before moving it
    try:
        title = url if kept_as is None else kept_as.stem
        _receive(url, part, 0 if size is not None and start > size else start, size, title)
    except BaseException:
        if kept_as is not None and part.exists() and part.stat().st_size:
            with suppress(OSError):  # a part that belongs to another user
                part.replace(kept_as)
        raise


def _receive(url: str, part: Path, start: int, size: int | None, title: str) -> None:
    """Write what the server sends, and check that it has the announced length."""
    have = None
    try:
        with _open(url, start) as response:
            resumed = start > 0 and response.status == 206
            have = start if resumed else 0
            promised = size if response.length is None else have + response.length
            bar = nullcontext(_ignore) if size is None else _progress(title, size)
            with bar as advance, part.open("ab" if resumed else "wb") as file:
                advance(have)
                while (size is None or have <= size) and (chunk := response.read(_CHUNK)):
                    file.write(chunk)
                    advance(len(chunk))
                    have += len(chunk)
    except _NETWORK_ERRORS as error:
        if have is None:
            raise DownloadError(_reason(error)) from error
        raise BrokenDownloadError(f"broke off after {have:,} bytes: {_reason(error)}") from error
    if promised is not None and have < promised and (size is None or have <= size):
        raise BrokenDownloadError(f"broke off after {have:,} of {promised:,} bytes")


def _open(url: str, start: int) -> HTTPResponse:
    """The server's response to a request for the bytes from `start` on.

    Raises:
        UsageError: the address cannot be fetched.
    """
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})  # noqa: S310 (the callers' addresses are of https)
        response: HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310
    except ValueError as error:  # for example, it cannot be encoded
        raise UsageError(f"cannot fetch {url}: {error}; characters outside ASCII must be written as %XX") from error
    return response


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(error, urllib.error.HTTPError):
        error.close()  # the response, still open
        return f"status {error.code}, {reason}"
    return str(reason)


def _ignore(_count: int) -> None:
    """Do nothing, instead of showing a bar."""


@contextmanager
def _progress(title: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, with bytes, speed and the time left."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console(lasting(sys.stderr))) as bar:
        task = bar.add_task(title, total=size)
        yield lambda count: bar.advance(task, count)
