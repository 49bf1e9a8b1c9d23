"""The official archive from the first mirror that delivers it: resumable, and verified before it is opened."""

import hashlib
import ssl
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from resnetzoo.data.layouts import Archive, Layout
from resnetzoo.errors import DownloadError, OutputError
from resnetzoo.files import write_atomically

_CHUNK = 1 << 18  # bytes
_TIMEOUT = 20.0  # seconds without a byte
NETWORK_ERRORS = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


def download(archive: Archive, layout: Layout, root: Path) -> Path:
    """Fetch `archive` into `root`, check it, and unpack the files of `layout`; the folder that then holds them.

    What was fetched of an interrupted download is kept beside it as `NAME.part`, and the next call goes on from there.

    Raises:
        DownloadError: no mirror delivered the right bytes; each one's reason is in the message.
        OutputError: `root` cannot be written.
    """
    packed = root / archive.name
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not packed.is_file() or _md5(packed) != archive.md5:
            _fetch(archive, packed)
        folder = _unpack(packed, layout, root)
        packed.unlink()
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write {root}: {error.strerror or error}; free space or choose another folder with --data-dir"
        ) from error
    return folder


def _fetch(archive: Archive, packed: Path) -> None:
    part = packed.with_name(packed.name + ".part")
    reasons = []
    for url in archive.urls:
        try:
            _append(url, part, archive.size)
        except NETWORK_ERRORS as error:
            reasons.append(f"{url}: {getattr(error, 'reason', None) or error}")
            continue
        size, found = part.stat().st_size, _md5(part)
        if found == archive.md5:
            part.replace(packed)
            return
        if size < archive.size:
            reasons.append(f"{url}: broke off after {size:,} of {archive.size:,} bytes")
        else:
            part.unlink()  # wrong bytes: nothing to go on from
            reasons.append(f"{url}: MD5 {found}, not {archive.md5}")
    raise DownloadError(f"{archive.name} could not be downloaded: {'; '.join(reasons)}")


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


def _unpack(packed: Path, layout: Layout, root: Path) -> Path:
    """Copy out the files of `layout` by their names alone, so that no path inside the archive is trusted."""
    folder = root / layout.folder
    wanted = {f"{layout.folder}/{file.name}": file.name for file in layout.files}
    with tarfile.open(packed, "r:gz") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() and member.name in wanted else None
            if content is not None:
                write_atomically(folder / wanted[member.name], content.read())
    return folder


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
