"""The ONNX runtime for browsers: its npm package is fetched once and verified before it is used."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

from sphinx.errors import ExtensionError

PACKAGE = "onnxruntime-web@1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
_ARCHIVE = "onnxruntime-web-1.30.0.tgz"


class Runtime(NamedTuple):
    """The files that a page needs: a JavaScript module, and the WebAssembly code that it runs."""

    module: bytes
    wasm: bytes


def fetch_runtime(folder: Path) -> Runtime:
    """The single-threaded CPU runtime, from the package in this folder or from npm's registry.

    Raises:
        ExtensionError: npm is not installed or cannot fetch the package, or the package is not the pinned one.
    """
    archive = folder / _ARCHIVE
    if not archive.is_file():
        _download(folder)
    check_integrity(archive)
    with tarfile.open(archive) as package:
        return Runtime(
            _content(package, "ort.wasm.bundle.min.mjs"),
            _content(package, "ort-wasm-simd-threaded.wasm"),
        )


def check_integrity(archive: Path) -> None:
    """Refuse an archive whose hash is not `INTEGRITY`, which is written as in npm's lock files.

    Raises:
        ExtensionError: the hashes differ. The archive is deleted, so that the next build fetches it again.
    """
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        archive.unlink()
        raise ExtensionError(f"{PACKAGE} should have integrity {INTEGRITY}, but the archive has {found}: build again")


def _download(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise ExtensionError(
            f"the live page needs {PACKAGE}, which npm fetches, and npm is not installed: install Node.js, or build "
            "with -D live_page=0, which leaves the networks off that page"
        )
    folder.mkdir(parents=True, exist_ok=True)
    said = subprocess.run([npm, "pack", PACKAGE, "--silent"], cwd=folder, capture_output=True, text=True, check=False)
    if said.returncode:
        raise ExtensionError(
            f"npm could not fetch {PACKAGE}: {said.stderr.strip() or said.stdout.strip()}. To build without it, give "
            "-D live_page=0, which leaves the networks off the live page"
        )


def _content(package: tarfile.TarFile, name: str) -> bytes:
    member = package.extractfile(f"package/dist/{name}")
    if member is None:
        raise ExtensionError(f"{PACKAGE} has no file {name}")
    return member.read()
