"""The official archive from the first mirror that delivers it: resumable, and verified before it is opened."""

import tarfile
from pathlib import Path

from resnetzoo.data.cifar_files import Archive, ArchiveFormat
from resnetzoo.errors import OutputError
from resnetzoo.utils.download import _fetch, _md5
from resnetzoo.utils.files import write_atomically


def download(archive: Archive, archive_format: ArchiveFormat, root: Path) -> Path:
    """Fetch `archive` into `root`, check it, and unpack the files of `archive_format`; the folder that then holds them.

    What was fetched of an interrupted download is kept beside it as `NAME.part`, and the next call goes on from there.

    Raises:
        DownloadError: no mirror delivered the right bytes; each one's reason is in the message.
        OutputError: `root` cannot be written.
    """
    packed = root / archive.name
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not packed.is_file() or _md5(packed) != archive.md5:
            _fetch(archive.urls, packed, size=archive.size, md5=archive.md5)
        folder = _unpack(packed, archive_format, root)
        packed.unlink()
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write {root}: {error.strerror or error}; free space or choose another folder with --data-dir"
        ) from error
    return folder


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
