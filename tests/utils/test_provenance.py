"""The commit that results name: the repository's, or what the variable says where there is none."""

import shutil
import subprocess
from pathlib import Path

import pytest

from resnetzoo.utils import provenance

COMMIT = 40 * "c"


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a copy of the code that no repository holds."""
    folder = tmp_path / "copy"
    (folder / "resnetzoo" / "utils").mkdir(parents=True)
    monkeypatch.setattr(provenance, "__file__", str(folder / "resnetzoo" / "utils" / "provenance.py"))
    return folder


@pytest.mark.parametrize(("said", "found"), [(COMMIT, COMMIT), (f"{COMMIT}-dirty", f"{COMMIT}-dirty"), ("", None)])
def test_a_copy_is_told_its_commit(code: Path, monkeypatch: pytest.MonkeyPatch, said: str, found: str | None) -> None:
    monkeypatch.setenv("RESNETZOO_COMMIT", said)
    assert provenance.commit() == found


def test_a_copy_that_is_told_nothing_has_no_commit(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESNETZOO_COMMIT", raising=False)
    assert provenance.commit() is None


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_repository_knows_better(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNETZOO_COMMIT", COMMIT)
    git = ["git", "-C", str(code), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert provenance.commit() == head
    (code / "resnetzoo" / "new.py").write_text("")
    assert provenance.commit() == f"{head}-dirty"
