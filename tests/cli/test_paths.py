"""Paths on the command line: home folders, empty words, and what the system refuses."""

import os
import re
from pathlib import Path

import pytest
from cases import Call, assert_one_line

import resnetzoo
from resnetzoo import cli

# Every option and argument that is a path: the words of a command, with {} for the path.
PATHS = [
    ("train", "resnet20", "--dataset", "cifar10", "--out", "{}"),
    ("train", "resnet20", "--data-dir", "{}"),
    ("eval", "{}"),
    ("eval", "nowhere", "--data-dir", "{}"),
    ("eval", "nowhere", "--plot", "{}.png"),
    ("data", "--data-dir", "{}"),
    ("predict", "{}"),
    ("predict", "photo.png", "--model", "{}/net.pt"),
    ("predict", "photo.png", "--sheet", "{}.png"),
    ("export", "{}/net.pt", "--format", "onnx"),
    ("export", "resnet20", "--format", "onnx", "--out", "{}.onnx"),
    ("info", "resnet20", "--draw", "{}.svg"),
    ("rerun", "{}"),
    ("rerun", "nowhere", "--data-dir", "{}"),
    ("reproduce", "figure6", "--dataset", "cifar10", "--out", "{}"),
    ("reproduce", "figure6", "--dataset", "cifar10", "--runs", "{}"),
    ("reproduce", "figure6", "--data-dir", "{}"),
]
ALONE = [words for words in PATHS if words[-1] == "{}" or words[1] == "{}"]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RESNETZOO_DATA", raising=False)


@pytest.mark.parametrize("words", PATHS, ids=" ".join)
def test_nobodys_home_is_said_before_anything_is_read(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # where reading CIFAR-10 would end in another error
    said = call(cli.main, *(word.replace("{}", "~nosuch/x") for word in words))
    assert_one_line(said, 2, 'there is no user "nosuch"')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", ALONE, ids=" ".join)
def test_an_empty_path_is_refused(call: Call, tmp_path: Path, words: tuple[str, ...]) -> None:
    said = call(cli.main, *(word.replace("{}", "") for word in words))
    assert_one_line(said, 2, 'an empty path was given; the folder where you are is "."')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", PATHS, ids=" ".join)
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("a\0b", "a path holds no NUL character"),
        ("n" * 300, "a path that is longer than this system takes"),
        ("n/" * 3000, "a path that is longer than this system takes"),
    ],
    ids=["NUL", "name", "path"],
)
def test_a_path_that_cannot_be_is_refused(
    call: Call, tmp_path: Path, words: tuple[str, ...], path: str, said: str
) -> None:
    assert_one_line(call(cli.main, *(word.replace("{}", path) for word in words)), 2, said)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["~.svg", "~nosuch.svg"])
def test_a_file_may_have_such_a_name(call: Call, tmp_path: Path, name: str) -> None:
    assert call(cli.main, "info", "resnet20", "--draw", f"./{name}") == (0, "")
    assert (tmp_path / name).is_file()
    assert resnetzoo.user_path(name) == tmp_path / name  # as a shell gives it in place of a pattern


@pytest.mark.parametrize("home", ["", None])
def test_without_a_home_only_what_needs_one_asks_for_it(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if home is None:
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", home)
    assert_one_line(call(cli.main, "data"), 2, "no home folder: set XDG_CACHE_HOME or HOME")
    assert_one_line(call(cli.main, "info", "resnet20", "--draw", "~/x.svg"), 2, "no home folder: set HOME")
    monkeypatch.setenv("RESNETZOO_DATA", str(tmp_path))
    assert_one_line(call(cli.main, "data"), 1, f"CIFAR-10 is not in {tmp_path}; ")
    assert call(cli.main, "info", "resnet20") == (0, "")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("data", "--dataset", "folder", "--data-dir", "closed"), "closed"),
        (("data", "--data-dir", "closed/below"), "closed"),
        (("predict", "photo.png", "--model", "closed/net.pt"), "closed"),
        (("predict", "photo.png", "--sheet", "closed/sheet.png"), "closed"),
        (("export", "resnet20", "--format", "safetensors", "--out", "closed/net.safetensors"), "closed"),
        (("data", "--data-dir", "archive", "--download"), "archive/cifar-10-python.tar.gz"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_refuses_is_named(call: Call, tmp_path: Path, photo: Path, words: tuple[str, ...], named: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user may read everything")
    archive = tmp_path / "archive" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    archive.touch(mode=0)
    status, said = call(cli.main, *words)
    assert status == 1
    assert re.search(rf"{named}(:| cannot)", said)
    assert "Permission denied" in said
    assert "cannot write" not in said
    assert "Errno" not in said


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    from PIL import Image

    file = tmp_path / "photo.png"
    Image.new("RGB", (32, 32)).save(file)
    return file


@pytest.mark.parametrize("words", [(), ("--download",)])
def test_a_file_is_no_folder_to_fetch_into(call: Call, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "cifar-10-python.tar.gz").touch()
    said = call(cli.main, "data", "--data-dir", "cifar-10-python.tar.gz", *words)
    assert_one_line(said, 1, "cifar-10-python.tar.gz is the archive of CIFAR-10, a file; pass the folder")


WRITTEN = [(*words[:-1], words[-1][2:]) for words in PATHS if re.fullmatch(r"\{\}\.\w+", words[-1])]


@pytest.mark.parametrize("folder", [".", "..", "/", "photos"])
@pytest.mark.parametrize("words", WRITTEN, ids="-".join)
def test_a_folder_in_place_of_a_file_to_write_is_named(call: Call, words: tuple[str, ...], folder: str) -> None:
    Path("photos").mkdir()
    *typed, suffix = words
    said = call(cli.main, *typed, folder)
    assert_one_line(said, 2, f"not to the folder {folder}")
    assert f"{suffix}" in said[1]
