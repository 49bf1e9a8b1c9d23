"""The official archive from the first mirror that delivers it: resumable, and verified before it is opened."""

import hashlib
import tarfile
from pathlib import Path

from resnetzoo.data.cifar_files import Archive, ArchiveFormat
from resnetzoo.errors import DownloadError
from resnetzoo.utils.download import download as fetch_file
from resnetzoo.utils.files import write_atomically, writing

_CHUNK = 1 << 20  # bytes


def download(archive: Archive, archive_format: ArchiveFormat, root: Path) -> Path:
    """Fetch `archive` into `root`, check it, and unpack the files of `archive_format`; the folder that then holds them.

    What was fetched of an interrupted download is kept beside it as `NAME.part`, and the next call goes on from there.

    Raises:
        DownloadError: no mirror delivered the right bytes; each one's reason is in the message.
        OutputError: `root` cannot be written.
    """
    packed = root / archive.name
    with writing(root, "free space or choose another folder with --data-dir"):
        root.mkdir(parents=True, exist_ok=True)
        if not packed.is_file() or _md5(packed) != archive.md5:
            _fetch(archive, packed)
        folder = _unpack(packed, archive_format, root)
        packed.unlink()
    return folder


def _fetch(archive: Archive, packed: Path) -> None:
    """From the first mirror that delivers it."""

    def verify(path: Path) -> None:
        found = _md5(path)
        if found != archive.md5:
            raise DownloadError(f"MD5 {found}, not {archive.md5}")

    reasons = []
    for url in archive.urls:
        try:
            return fetch_file(url, packed, verify=verify, size=archive.size)
        except DownloadError as error:
            reasons.append(f"{url}: {error}")
    raise DownloadError(f"{archive.name} could not be downloaded: {'; '.join(reasons)}")


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _unpack(packed: Path, archive_format: ArchiveFormat, root: Path) -> Path:
    """Copy out the files of `archive_format` by their names alone, so that no path inside the archive is trusted."""
    folder = root / archive_format.folder
    wanted = {f"{archive_format.folder}/{file.name}": file.name for file in archive_format.files}
    with tarfile.open(packed, "r:gz") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() and member.name in wanted else None
            if content is not None:
                write_atomically(folder / wanted[member.name], content.read())
    return folder
