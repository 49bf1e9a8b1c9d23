"""A folder for one process at a time, also where the system has no locks."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from resnetzoo.errors import OutputError
from resnetzoo.utils import folder_lock
from resnetzoo.utils.folder_lock import Owner, locked


def test_a_call_beside_another_one_is_refused(tmp_path: Path) -> None:
    again = locked(tmp_path / "run")
    with locked(tmp_path / "run"), pytest.raises(OutputError, match=f"process {os.getpid()}, this one, on "):
        again.__enter__()
    assert not list((tmp_path / "run").iterdir())
    with locked(tmp_path / "run"):
        assert Owner.read(tmp_path / "run" / ".run.owner.json") is not None


def test_a_folder_that_cannot_be_written_is_left_to_who_writes_there(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    with locked(tmp_path / "run"):
        assert (tmp_path / "run").read_text() == "in the way"


@pytest.mark.parametrize("reason", [NotImplementedError(), OSError(95, "Operation not supported")])
def test_without_locks_what_the_other_has_written_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: Exception
) -> None:
    def acquire(*_: object, **__: object) -> None:
        raise reason

    monkeypatch.setattr(folder_lock.FileLock, "acquire", acquire)
    file, own = tmp_path / ".run.owner.json", Owner.now()
    ended = subprocess.Popen(["true"])
    ended.wait()
    parent = {"pid": os.getppid(), "started": folder_lock._started(os.getppid())}
    for there in ({"pid": ended.pid, "started": 1}, {**parent, "started": -1}):
        file.write_text(json.dumps({**vars(own), **there}))
        with locked(tmp_path):
            assert Owner.read(file) is not None
        assert not file.exists()
    for there, words in ((parent, f"process {os.getppid()} on {own.host}"), ({"host": "elsewhere"}, "on elsewhere")):
        file.write_text(json.dumps({**vars(own), **there}))
        with pytest.raises(OutputError, match=f"{words} since .*; if that has ended, delete {file}"), locked(tmp_path):
            pass
        assert file.exists()
    file.write_text("{")
    with locked(tmp_path):
        pass
