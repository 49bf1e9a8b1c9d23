"""Download the official archives, resumably, from the first mirror that delivers; verify them before opening them."""

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resnetzoo.data.checksums import checksum, checksum_kind
from resnetzoo.data.cifar_files import Archive, ArchiveFormat, DatasetInfo, Packed
from resnetzoo.data.cifar_reader import read_contents
from resnetzoo.data.pair import Data
from resnetzoo.data.places import Published, download_command, reading
from resnetzoo.errors import BrokenDownloadError, DataError, DownloadError
from resnetzoo.utils.download import download as fetch_file
from resnetzoo.utils.files import write_atomically, writing
from resnetzoo.utils.own_files import abandoned, own_name
from resnetzoo.utils.paths import is_file
from resnetzoo.utils.turns import taking_turns


class DamagedArchiveError(DataError):
    """A file with the name of an official archive that is not that archive."""


def download(archive: Archive, archive_format: ArchiveFormat, root: Path) -> Path:
    """Fetch `archive` into `root`, verify it, unpack the files of `archive_format`, and return their folder.

    An interrupted download is kept as `NAME.part`, and the next call continues it. If several processes call this, one
    of them downloads the archive and the others wait for it. An archive that is already in `root` is left there.

    Raises:
        DownloadError: no mirror delivered the right bytes; the message gives the reason for each of them.
        BrokenDownloadError: a mirror delivered other bytes, or not all of them.
        DataError: the archive exists but cannot be read.
        OutputError: `root` cannot be written.
    """
    folder = root / archive_format.folder
    with _one_at_a_time(archive, root):
        if all((folder / file.name).is_file() for file in archive_format.files):
            return folder  # another process has fetched it
        with _verified(archive, root) as packed:
            return _unpack(packed, archive_format, root)


def download_as_it_is(archive: Archive, root: Path) -> Path:
    """Download a file into `root` and verify it, as `download` does, without unpacking.

    Raises:
        DownloadError: as in `download`, including its subclass `BrokenDownloadError`.
        DataError: a file of that name exists but cannot be read.
        OutputError: `root` cannot be written.
    """
    with _one_at_a_time(archive, root), _verified(archive, root) as found:
        return found.replace(root / archive.name)


@contextmanager
def _one_at_a_time(archive: Archive, root: Path) -> Iterator[None]:
    """Let one process at a time into the block, after creating the folder."""
    with writing(root, "choose another folder with --data-dir"):
        root.mkdir(parents=True, exist_ok=True)
        with taking_turns(root / archive.name):
            yield


@contextmanager
def _verified(archive: Archive, root: Path) -> Iterator[Path]:
    """Yield the existing file if it is the published one, or else a download under a name that lasts for the block."""
    there = root / archive.name
    if _is_published(there, archive):
        yield there
        return
    own = own_name(there)
    try:
        _fetch(archive, own, kept_as=root / f"{archive.name}.part")
        yield own
    finally:
        own.unlink(missing_ok=True)


def read_archive(path: Path, info: DatasetInfo, packed: Packed) -> Data:
    """Read the dataset from an existing archive, without unpacking it on disk.

    Raises:
        DamagedArchiveError: it is not the published archive; the message says how the two differ.
    """
    check_archive(path, info, packed.size, packed.md5)
    return read_contents(dict(_members(path, packed.format)), path, info, packed.format)


def check_archive(path: Path, info: Published, size: int | None, published: str) -> None:
    """Refuse a file with the name of an official archive that is not that archive.

    The size is checked before the checksum, because a file that is too short is most often an interrupted download.

    Args:
        path: the file.
        info: the dataset that should be in it.
        size: size of the official archive in bytes, if known.
        published: checksum of the official archive.

    Raises:
        DamagedArchiveError: says how the two differ.
    """
    found_size = path.stat().st_size
    expected = f"{size:,} expected; " if size else ""
    cure = f"delete or move it, and download {info.title} with {download_command(info, path.parent)}"
    if size is not None and found_size < size:
        raise DamagedArchiveError(f"{path}: truncated: {found_size:,} bytes found, {expected}{cure}")
    found = checksum(path, published)
    if found != published:
        raise DamagedArchiveError(
            f"{path}: not the published archive: {found_size:,} bytes found, {expected}{checksum_kind(published)} "
            f"{found}, not {published}; {cure}; or unpack it to use it as it is"
        )


def _is_published(path: Path, archive: Archive) -> bool:
    """Whether `path` is the published archive.

    Raises:
        DataError: the file exists but cannot be read.
    """
    with reading(path):
        return is_file(path) and checksum(path, archive.checksum) == archive.checksum


def _fetch(archive: Archive, path: Path, kept_as: Path) -> None:
    """Download from the first mirror that delivers the file."""

    def verify(file: Path) -> None:
        size, found = file.stat().st_size, checksum(file, archive.checksum)
        if found != archive.checksum:
            raise BrokenDownloadError(
                f"{checksum_kind(found)} {found}, not {archive.checksum}; {size:,} bytes found, "
                f"{archive.size:,} expected"
            )

    reasons, kind = [], DownloadError
    for url in archive.urls:
        try:
            return fetch_file(url, path, verify=verify, size=archive.size, kept_as=kept_as)
        except DownloadError as error:
            reasons.append(f"{url}: {error}")
            kind = BrokenDownloadError if isinstance(error, BrokenDownloadError) else kind
    raise kind(f"{archive.name} could not be downloaded: {'; '.join(reasons)}")


def _unpack(packed: Path, archive_format: ArchiveFormat, root: Path) -> Path:
    """Copy out the files of `archive_format`.

    The folder gets its name once all of them are there, so another process finds it complete or not at all.
    """
    folder = root / archive_format.folder
    unpacked = own_name(folder)
    for left in abandoned(folder):
        shutil.rmtree(left, ignore_errors=True)
    try:
        for name, content in _members(packed, archive_format):
            write_atomically(unpacked / name, content)
        if not folder.exists():
            unpacked.replace(folder)
        else:
            for file in unpacked.iterdir():
                file.replace(folder / file.name)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return folder


def _members(packed: Path, archive_format: ArchiveFormat) -> Iterator[tuple[str, bytes]]:
    """The names, without folders, and contents of the files of `archive_format`; no path in the archive is trusted."""
    wanted = {f"{archive_format.folder}/{file.name}": file.name for file in archive_format.files}
    with tarfile.open(packed, "r:gz") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() and member.name in wanted else None
            if content is not None:
                yield wanted[member.name], content.read()
