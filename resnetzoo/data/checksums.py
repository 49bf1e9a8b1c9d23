"""Checksums of published files: MD5 or SHA-256, whichever their authors or hosts give."""

import hashlib
from pathlib import Path

_CHUNK = 1 << 20  # bytes
_KINDS = {32: "MD5", 64: "SHA-256"}  # by the number of hexadecimal digits


def checksum_kind(published: str) -> str:
    """The kind of a published checksum, by its number of digits."""
    return _KINDS[len(published)]


def checksum(path: Path, like: str) -> str:
    """The checksum of a file, of the same kind as the published checksum `like`."""
    digest = hashlib.md5(usedforsecurity=False) if checksum_kind(like) == "MD5" else hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
