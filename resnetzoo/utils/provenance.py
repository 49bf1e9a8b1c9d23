"""The provenance of a result: versions, commit, machine."""

import hashlib
import os
import platform
import subprocess
from pathlib import Path

import numpy as np
import torch

from resnetzoo.version import __version__

COMMIT_VARIABLE = "RESNETZOO_COMMIT"


def versions() -> dict[str, str]:
    """The versions that can change a result."""
    return {
        "resnetzoo": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def code_digest() -> str:
    """SHA-256 of this package's code on this machine, by which two machines can tell whether their code differs."""
    package, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package).as_posix()}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def commit() -> str | None:
    """The commit of the checkout that this package runs from, with `-dirty` if its code was changed.

    Without a repository it is the value of `$RESNETZOO_COMMIT`, for code that was copied from a checkout. None if
    neither is available.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return os.environ.get(COMMIT_VARIABLE) or None
    head = _git(root, "rev-parse", "HEAD")
    if not head:
        return None
    return f"{head}-dirty" if _git(root, "status", "--porcelain", "--", "resnetzoo", "examples") else head


def _git(root: Path, *arguments: str) -> str:
    try:
        result = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
