"""Fixtures that tests of several rooms share."""

import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import REAL_DATA, TINY_RECIPE, Call, draw_few_images, small_network, small_synthetic, write_folder
from processes import Command, Fork, command_line, environment

import resnetzoo
from resnetzoo.data import load
from resnetzoo.data.cifar_files import CIFAR10, CIFAR100
from resnetzoo.utils import device

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # the processes that share the machine share its cores, too
    _threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    os.environ["OMP_NUM_THREADS"] = str(_threads)  # of the processes that tests start
    torch.set_num_threads(_threads)

# Matplotlib lists the fonts once for all tests, instead of in the cache of each.
_fonts = tempfile.TemporaryDirectory(prefix="resnetzoo-tests-")  # removed when the process ends
os.environ.setdefault("MPLCONFIGDIR", _fonts.name)

for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if (
        signal.getsignal(_number) is signal.SIG_IGN
    ):  # a shell's background, or nohup: processes that tests start inherit it
        signal.signal(_number, _usual)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give each process tests that stand side by side, so that most fixtures of a module are made in one alone."""
    if config.getvalue("dist") != "load":  # `-n` alone; what the command line chooses stands
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `cuda` where there is no CUDA device; refuse names that other processes would not have."""
    if addressed := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(
            f"the name of a test holds an address, so processes of -n cannot share it: {addressed[0]}"
        )
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("cuda"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(scope="session", autouse=True)
def _auto_is_the_cpu() -> Iterator[None]:
    """Give every test that names no device the same one, whatever the machine has; `processes.environment` does it for
    the processes that tests start.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "first_device", lambda: torch.device("cpu"))
        yield


@pytest.fixture(autouse=True)
def _own_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the data, the cache or the working directory of the person who runs it."""
    monkeypatch.delenv("RESNETZOO_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def real_data() -> str:
    """The folder with CIFAR-10 itself, as the person who runs the tests has it."""
    return REAL_DATA


@pytest.fixture
def tiny_data() -> resnetzoo.Data:
    """48 training and 20 test images: three batches of 16 an epoch."""
    return resnetzoo.synthetic(seed=1, train_images=48, test_images=20)


@pytest.fixture
def tiny_recipe() -> resnetzoo.Recipe:
    """Six steps of 16 images: two epochs of `tiny_data`."""
    return TINY_RECIPE


@pytest.fixture
def tiny_model() -> resnetzoo.CifarNet:
    return small_network(seed=0)


@pytest.fixture
def cifar10_folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "data", CIFAR10, "binary")


@pytest.fixture
def cifar100_folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "data", CIFAR100, "binary")


@pytest.fixture
def run_command(tmp_path: Path) -> Command:
    """Start a command as a person would, in a folder of its own; `resnetzoo` stands for the console command."""

    def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(*words),
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment(**variables),
            check=False,
        )

    return run


@pytest.fixture
def fork_command(tmp_path: Path) -> Command:
    """The same without a wait for torch, in a forked process that draws few synthetic images."""

    def run(
        *words: str | Path, prepare: Callable[[], object] = draw_few_images, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return Fork(tmp_path, *words, prepare=prepare, **variables).wait()

    return run


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """The synthetic dataset of commands in this process has 200 training and 200 test images."""
    monkeypatch.setattr(load, "synthetic", small_synthetic)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """A `main` inside this process, for the many cases that need no process of their own: status and stderr."""

    def run(main: Callable[[], int], *words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["command", *words])
        monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
        try:
            status = main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, capsys.readouterr().err

    return run
