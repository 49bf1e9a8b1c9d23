"""The source distribution has every file of the repository, so that the tests and the pages run from it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cases import ROOT
from test_versions import PROJECT

INCLUDED = [path.removeprefix("/") for path in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]]


def tracked_files() -> list[str]:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    git = ["git", "-C", str(ROOT)]
    top = subprocess.run([*git, "rev-parse", "--show-toplevel"], capture_output=True, text=True, check=False)
    if top.returncode or Path(top.stdout.strip()).resolve() != ROOT:
        pytest.skip("needs the repository: this is an unpacked source distribution, or a copy")
    listed = subprocess.run([*git, "ls-files", "-z"], capture_output=True, text=True, check=True)
    return listed.stdout.split("\0")[:-1]


def test_every_tracked_file_is_included() -> None:
    left_out = [file for file in tracked_files() if file not in INCLUDED and file.split("/")[0] not in INCLUDED]
    assert left_out == []


@pytest.mark.parametrize("path", INCLUDED)
def test_what_is_included_is_there(path: str) -> None:
    assert (ROOT / path).exists()
