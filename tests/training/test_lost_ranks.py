"""One of two processes that share a run is killed, or Ctrl-C reaches each twice: real processes, without torchrun."""

import re
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cases import write_folder
from interrupted import TRAIN, killed_in_step, send_in_step, small_networks
from processes import Fork

from resnetzoo.data.cifar_files import CIFAR10
from resnetzoo.training.run_folder import read_latest

EPOCH = 13  # steps


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run, with the data beside it."""
    folder = tmp_path_factory.mktemp("ranks")
    write_folder(folder / "data", CIFAR10, "binary", count=40)
    (folder / "place").mkdir()
    return folder / "place"


def start(place: Path, *prepare: Callable[[], object]) -> list[Fork]:
    """A process for each function, called in it before the command, with the environment that torchrun gives."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": str(len(prepare)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    shared |= {"TORCHELASTIC_RUN_ID": "none", "OMP_NUM_THREADS": "1"}
    return [Fork(place, *TRAIN, prepare=call, RANK=str(rank), **shared) for rank, call in enumerate(prepare)]


def ctrl_c_twice_in_step(number: int) -> None:
    """The terminal sends it to each process, and torchrun passes on the one that it gets itself."""
    small_networks()
    send_in_step(number, signal.SIGINT)
    send_in_step(number, signal.SIGINT)


@pytest.mark.slow
def test_a_lost_process_ends_the_run_in_a_line_and_a_ctrl_c_is_one(place: Path) -> None:
    first, second = (process.wait() for process in start(place, small_networks, partial(killed_in_step, EPOCH + 5)))
    assert (first.returncode, second.returncode) == (1, -signal.SIGKILL)
    assert first.stderr.startswith("error: another process of this run has ended or cannot be reached (")
    assert first.stderr.endswith("): what was saved stays; start all of them again to go on from there\n")
    assert first.stderr.count("\n") == 1
    kept = read_latest(place / "run")
    assert kept is not None
    assert kept.step == EPOCH
    for process in start(place, *[partial(ctrl_c_twice_in_step, EPOCH + 5)] * 2):
        said = process.wait()
        assert said.returncode == 128 + signal.SIGINT
        assert f"stopped after step {EPOCH + EPOCH + 5} of 52: saved in" in said.stderr
        assert "Traceback" not in said.stderr
    first, second = (process.wait() for process in start(place, small_networks, small_networks))
    assert (first.returncode, second.returncode) == (0, 0), (first, second)
    assert second.stdout == ""
    assert re.findall(r"  epoch +(\S+)", first.stdout) == ["3/4", "4/4"]
