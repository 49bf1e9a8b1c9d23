"""Files that are written atomically."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from cases import small_network

import resnetzoo
from resnetzoo.utils.files import keep_as, write_atomically
from resnetzoo.weights.checkpoint.training_state import read_checkpoint


@pytest.fixture(params=[True, False], ids=["links", "no-links"])
def _file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With hard links or, like FAT, without."""

    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not request.param:
        monkeypatch.setattr(Path, "hardlink_to", refuse)


@pytest.mark.usefixtures("_file_system")
@pytest.mark.parametrize("damaged", [False, True])
def test_a_checkpoint_is_readable_between_any_two_renames(
    tiny_data: resnetzoo.Data,
    tiny_recipe: resnetzoo.Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damaged: bool,
) -> None:
    """As another process finds it, or as a kill leaves it; also once a damaged one was set aside."""
    steps: list[int] = []
    rename = Path.replace

    def read_after(self: Path, target: Path) -> Path:
        renamed = rename(self, target)
        if target.name != "checkpoint.damaged.pt":
            steps.append(read_checkpoint(tmp_path / "checkpoint.pt").step)
        return renamed

    def fit() -> resnetzoo.Run:
        return resnetzoo.fit(
            small_network(0), tiny_data, tiny_recipe, device="cpu", out=tmp_path, checkpoint_every=1, progress=False
        )

    straight = fit() if damaged else None
    if straight is not None:
        (tmp_path / "checkpoint.pt").write_bytes(b"half")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", read_after)
        if straight is None:
            fit()
            assert sorted(set(steps)) == list(range(tiny_recipe.steps + 1))
        else:
            with pytest.warns(UserWarning, match="set aside"):
                assert fit().epochs[-1].test_error == straight.epochs[-1].test_error
            assert (tmp_path / "checkpoint.damaged.pt").read_bytes() == b"half"
    assert read_checkpoint(tmp_path / "checkpoint.previous.pt").step == tiny_recipe.steps - 1
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.usefixtures("_file_system")
def test_the_earlier_file_is_kept(tmp_path: Path) -> None:
    path, previous = tmp_path / "a", tmp_path / "b"
    for number in range(3):
        write_atomically(path, b"%d" % number, previous=previous)
    assert (path.read_bytes(), previous.read_bytes()) == (b"2", b"1")
    previous.unlink()
    os.link(path, previous)  # as a process leaves them that is killed between its renames
    write_atomically(path, b"3", previous=previous)
    assert (path.read_bytes(), previous.read_bytes()) == (b"3", b"2")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("write", [write_atomically, lambda path, content: keep_as(path.with_name("first"), path)])
def test_threads_may_write_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], None]
) -> None:
    """All of them reach the rename before any of them makes it."""
    path, count = tmp_path / "a", 4
    path.with_name("first").write_bytes(b"1" * 1000)
    together = Barrier(count, timeout=10)
    rename = Path.replace

    def wait_and_replace(self: Path, target: Path) -> Path:
        together.wait()
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", wait_and_replace)
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(write, path, b"%d" % number * 1000) for number in range(count)]:
            done.result()
    content = path.read_bytes()
    assert (len(content), len(set(content))) == (1000, 1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "first"]
