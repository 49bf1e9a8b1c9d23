"""Downloads from a real server on this machine that breaks off, lies and refuses, as real ones do."""

import errno
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cases import write_corrupted, write_folder
from processes import Fork
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli
from resnetzoo.data import cifar, corrupted
from resnetzoo.data.archives import download, download_as_it_is
from resnetzoo.data.cifar_files import CIFAR10, Archive
from resnetzoo.data.load import SyntheticDataWarning, load_data
from resnetzoo.data.robustness_files import CIFAR10_C
from resnetzoo.errors import BrokenDownloadError, DataError, DownloadError, OutputError
from resnetzoo.utils import own_files
from resnetzoo.utils.download import download as download_file
from resnetzoo.utils.files import writing

FORMAT = CIFAR10.formats[-1]


class Server(ThreadingHTTPServer):
    """Serves `content` at /good, half of it at /broken, other bytes at /wrong, and nothing elsewhere."""

    content = b""
    ranges: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        content = self.server.content
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/wrong":
            content = bytes(len(content))
        if self.path == "/page":
            content = b"<html>please log in"
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.path != "/no-ranges" else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + len(content) // 3] if self.path == "/broken" else content[start:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Keep the test's output clean."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = write_folder(tmp_path / "original", CIFAR10, "python", count=5)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(folder, arcname=folder.name)
        outside = tarfile.TarInfo("../../outside")
        outside.size = 4
        tar.addfile(outside, io.BytesIO(b"evil"))
    with Server(("127.0.0.1", 0), Handler) as running:
        running.content, running.ranges = packed.getvalue(), []
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def archive(server: Server, *paths: str) -> Archive:
    urls = tuple(f"http://127.0.0.1:{server.server_port}{path}" for path in paths)
    md5 = hashlib.md5(server.content).hexdigest()
    return Archive("cifar-10-python.tar.gz", md5, len(server.content), urls)


def test_download_verifies_and_unpacks_by_name(server: Server, tmp_path: Path) -> None:
    folder = download(archive(server, "/good"), FORMAT, tmp_path / "data")
    assert sorted(path.name for path in folder.iterdir()) == sorted(file.name for file in FORMAT.files)
    for file in FORMAT.files:
        assert (folder / file.name).read_bytes() == (tmp_path / "original" / folder.name / file.name).read_bytes()
    assert [path.name for path in (tmp_path / "data").iterdir()] == [folder.name]
    assert not list(tmp_path.rglob("outside"))


def test_a_file_that_stays_packed_is_fetched_once_and_verified(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        fetched = download_as_it_is(archive(server, "/good"), tmp_path / "data")
        assert fetched.read_bytes() == server.content
    with pytest.raises(BrokenDownloadError, match="MD5 "):
        download_as_it_is(archive(server, "/wrong"), tmp_path / "other")
    assert server.ranges == [None, None]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["cifar-10-python.tar.gz"]


def test_corrupted_images_are_fetched_and_read_packed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, packed = write_corrupted(tmp_path, CIFAR10_C), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(folder, arcname=folder.name)
    server.content = packed.getvalue()
    published = archive(server, "/good")._replace(name=CIFAR10_C.archive.name)
    monkeypatch.setattr(corrupted, "CIFAR10_C", replace(CIFAR10_C, archive=published))
    for _ in range(2):
        found = resnetzoo.cifar10_c(tmp_path / "data", download=True)
        assert (found.source, found.official) == (str(tmp_path / "data" / "CIFAR-10-C.tar"), True)
    assert server.ranges == [None]
    assert found.images("fog", 1).images.shape == (2, 3, 32, 32)


def test_a_broken_download_goes_on_from_where_it_broke_off(server: Server, tmp_path: Path) -> None:
    size, third = len(server.content), len(server.content) // 3
    with pytest.raises(DownloadError, match=f"broke off after {third:,} of {size:,} bytes"):
        download(archive(server, "/broken"), FORMAT, tmp_path)
    part = tmp_path / "cifar-10-python.tar.gz.part"
    assert part.stat().st_size == third
    download(archive(server, "/good"), FORMAT, tmp_path)
    assert server.ranges == [None, f"bytes={third}-"]
    assert not part.exists()


def _ended_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_what_a_killed_process_left_is_gone_on_from(server: Server, tmp_path: Path) -> None:
    """What a living one works on is left alone."""
    host, name = own_files.host_name(), "cifar-10-python.tar.gz.part"
    (tmp_path / f".{name}.{host}.{_ended_process()}.0123ab.part").write_bytes(server.content[:1000])
    other = tmp_path / f".{name}.{host}.{os.getppid()}.0123ab.part"
    other.write_bytes(b"half")
    folder = download(archive(server, "/good"), FORMAT, tmp_path)
    assert server.ranges == ["bytes=1000-"]
    assert {*tmp_path.iterdir()} == {folder, other, tmp_path / "original"}


def test_what_was_left_wrong_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    for left in (b"<html>", b"wrong" * len(server.content), bytes(len(server.content))):
        (tmp_path / "cifar-10-python.tar.gz.part").write_bytes(left)
        shutil.rmtree(download(archive(server, "/good"), FORMAT, tmp_path))
    assert server.ranges == ["bytes=6-", None, None, None]


def test_a_folder_that_cannot_be_locked_is_no_obstacle(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".cifar-10-python.tar.gz.lock").mkdir()
    assert download(archive(server, "/good"), FORMAT, tmp_path).is_dir()


def _fetch_from(served: Archive) -> None:
    warnings.simplefilter("ignore")
    cifar.CIFAR10 = replace(CIFAR10, archive=served)


@pytest.mark.parametrize("paths", [("/good",), ("/wrong", "/good")])
def test_processes_that_need_it_at_once_fetch_it_once(server: Server, tmp_path: Path, paths: tuple[str, ...]) -> None:
    words = ("resnetzoo", "data", "--dataset", "cifar10", "--data-dir", tmp_path / "data", "--download")
    prepare = partial(_fetch_from, archive(server, *paths))
    commands = [Fork(tmp_path, *words, prepare=prepare) for _ in range(3)]
    said = [command.wait() for command in commands]
    assert [one.returncode for one in said] == [0, 0, 0], said
    assert len({one.stdout for one in said}) == 1
    assert len(server.ranges) == len(paths)
    assert [path.name for path in (tmp_path / "data").iterdir()] == [FORMAT.folder]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/wrong", "MD5 [0-9a-f]{32}, not [0-9a-f]{32}; [0-9,]+ bytes found"),
        ("/page", "MD5 .*; 19 bytes found, [0-9,]+ expected"),
        ("/broken", "broke off after [0-9,]+ of [0-9,]+ bytes"),
    ],
)
def test_what_comes_broken_is_no_reason_for_other_data(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, found: str
) -> None:
    monkeypatch.setattr(cifar, "CIFAR10", replace(CIFAR10, archive=archive(server, path, "/missing")))
    with pytest.raises(BrokenDownloadError, match=found):
        load_data()


def test_a_full_disk_is_no_reason_for_other_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object) -> None:
        with writing(Path("data")):
            raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(cifar, "download_archive", fetch)
    reason = errno.ENOSPC
    with pytest.raises(OutputError, match="No space left"):
        load_data()
    reason = errno.EROFS
    with pytest.warns(SyntheticDataWarning):
        assert load_data().name == "synthetic"


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cifar-10-python.tar.gz.part").write_bytes(server.content[:1000])
    folder = download(archive(server, "/no-ranges"), FORMAT, tmp_path)
    assert server.ranges == ["bytes=1000-"]
    assert folder.is_dir()


def test_the_next_mirror_is_tried(server: Server, tmp_path: Path) -> None:
    folder = download(archive(server, "/missing", "/wrong", "/good"), FORMAT, tmp_path)
    assert folder.is_dir()


def test_every_mirrors_reason_is_given(server: Server, tmp_path: Path) -> None:
    gone = archive(server, "/missing", "/wrong")
    gone = gone._replace(urls=(*gone.urls, "http://127.0.0.1:9/refused"))
    with pytest.raises(
        DownloadError, match=r"/missing: status 404, Not Found; .*/wrong: MD5 .*, not .*; .*/refused: .*refused"
    ):
        download(gone, FORMAT, tmp_path)
    assert not (tmp_path / FORMAT.folder).exists()


@pytest.fixture
def packed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the archive, which no mirror has."""
    info = replace(CIFAR10, archive=archive(server, "/missing"))
    monkeypatch.setattr(cifar, "CIFAR10", info)
    (tmp_path / "data").mkdir()
    packed = tmp_path / "data" / info.archive.name
    packed.write_bytes(server.content)
    return packed


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
def test_an_archive_that_is_there_is_read_and_stays(packed: Path, server: Server) -> None:
    everything = [
        resnetzoo.cifar10(packed.parent),
        resnetzoo.cifar10(packed.parent, download=True),
        resnetzoo.load_data("auto", packed.parent),
    ]
    assert {data.fingerprint for data in everything} == {
        resnetzoo.cifar10(packed.parent.parent / "original").fingerprint
    }
    assert everything[0].source == str(packed)
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]
    assert packed.read_bytes() == server.content
    assert server.ranges == []


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"cut off", "truncated: 7 bytes found, "), (bytes(1 << 20), "not the published archive: ")],
)
def test_an_archive_that_is_damaged_is_said_and_stays(
    packed: Path, server: Server, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    """Whether or not it can be fetched instead."""
    packed.write_bytes(content)
    with pytest.raises(DataError, match=rf"{packed}: {message}.* expected; .*resnetzoo data --dataset cifar10"):
        resnetzoo.cifar10(packed.parent)
    for find in (resnetzoo.load_data, partial(resnetzoo.cifar10, download=True)):
        with pytest.raises(DownloadError, match=rf"{packed}: {message}.*; and .* could not be downloaded: .*404"):
            find(root=packed.parent)
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]
    monkeypatch.setattr(cifar, "CIFAR10", replace(CIFAR10, archive=archive(server, "/good")))
    with pytest.warns(resnetzoo.UnofficialDataWarning):
        resnetzoo.cifar10(packed.parent, download=True)
    assert sorted(path.name for path in packed.parent.iterdir()) == [FORMAT.folder, packed.name]
    assert packed.read_bytes() == content


def test_where_a_folder_is_named_nothing_stands_in(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed.unlink()
    with pytest.raises(DownloadError, match="could not be downloaded"):
        resnetzoo.load_data("auto", packed.parent)
    monkeypatch.setenv("RESNETZOO_DATA", str(packed.parent))
    with pytest.raises(DownloadError, match="could not be downloaded"):
        resnetzoo.load_data("auto")


def test_a_file_of_unknown_size_is_whole_or_not_there(server: Server, tmp_path: Path) -> None:
    size, third = len(server.content), len(server.content) // 3
    where = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(DownloadError, match=f"^broke off after {third:,} of {size:,} bytes$"):
        download_file(f"{where}/broken", tmp_path / "file", verify=lambda path: None)
    assert list(tmp_path.glob("*")) == [tmp_path / "original"]
    download_file(f"{where}/good", tmp_path / "file", verify=lambda path: None)
    assert (tmp_path / "file").read_bytes() == server.content
    assert server.ranges == [None, None]


def test_an_unwritable_folder_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*file.*: .*--data-dir"):
        download(archive(server, "/good"), FORMAT, tmp_path / "file" / "data")


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
def test_cifar10_downloads_once(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar, "CIFAR10", replace(CIFAR10, archive=archive(server, "/good")))
    first = cifar.cifar10(tmp_path / "data", download=True)
    again = cifar.cifar10(tmp_path / "data", download=True)
    assert first.fingerprint == again.fingerprint
    assert len(server.ranges) == 1
    assert len(cifar.cifar10(download=True).test) == 5
    assert (resnetzoo.data.cache_folder() / FORMAT.folder).is_dir()


@pytest.mark.parametrize("command", ["data", "train", "eval", "reproduce", "rerun"])
def test_the_folder_of_the_data_is_said_and_no_download_promised(command: str) -> None:
    """`data` fetches CIFAR-10 only with --download, which its help says beside it."""
    said = " ".join(CliRunner().invoke(cli.app, [command, "--help"], terminal_width=200).output.split())
    assert "Folder of the data; by default $RESNETZOO_DATA or the cache. --" in said
