"""What the tests share: small data in every published layout, small networks, commands as real processes."""

import os
import pickle
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import resnetzoo
from resnetzoo.data.cifar_files import CIFAR10, CIFAR100, Layout, Published

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # the processes that share the machine share its cores, too
    _threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    os.environ["OMP_NUM_THREADS"] = str(_threads)  # of the processes that tests start
    torch.set_num_threads(_threads)

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = os.environ.get("RESNETZOO_DATA", "")
TINY_RECIPE = resnetzoo.Recipe(
    name="TINY",
    steps=6,
    epochs=None,
    batch_size=16,
    lr=0.05,
    schedule=resnetzoo.recipes.StepDecay(milestones=(3, 5)),
)

Command = Callable[..., subprocess.CompletedProcess[str]]
Call = Callable[..., tuple[int, str]]


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


def small_network(seed: int) -> resnetzoo.CifarNet:
    """A residual network of 8 layers and 4 to 16 channels."""
    torch.manual_seed(seed)
    return resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)))


def random_batch(published: Published, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (count, 3072) and labels (count,)."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, 3072), np.uint8), np.arange(count) % len(published.classes)


def write_batch(path: Path, layout: Layout, pixels: np.ndarray, labels: np.ndarray) -> None:
    if layout.kind == "binary":
        coarse = np.zeros((len(labels), layout.label_bytes - 1), np.uint8)
        records = np.concatenate([coarse, labels[:, None].astype(np.uint8), pixels], axis=1)
        path.write_bytes(records.astype(np.uint8).tobytes())
    else:
        path.write_bytes(pickle.dumps({"data": pixels, layout.label_key: labels.tolist()}, protocol=2))


def write_folder(root: Path, published: Published, kind: str, count: int = 20) -> Path:
    """A small copy of a data set, `count` images a file; both kinds hold the same images."""
    layout = next(layout for layout in published.layouts if layout.kind == kind)
    folder = root / layout.folder
    folder.mkdir(parents=True)
    for seed, file in enumerate(layout.files):
        write_batch(folder / file.name, layout, *random_batch(published, count, seed))
    return folder


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


def assert_one_line(said: tuple[int, str], status: int, message: str) -> None:
    """What a person who made a mistake gets: its exit status, and one line."""
    exit_status, errors = said
    assert exit_status == status
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert message in errors


def command_line(*words: str | Path) -> list[str]:
    first = [sys.executable, "-m", "resnetzoo"] if words[0] == "resnetzoo" else [sys.executable, str(words[0])]
    return [*first, *(str(word) for word in words[1:])]


def environment(**variables: str) -> dict[str, str]:
    """This process's, with the checkout importable."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", **variables}


def start(tmp_path: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command_line(*words),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Until the file is there; a process that ends before has failed."""
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
