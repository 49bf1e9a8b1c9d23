"""How long it takes to start: the package, a first network, and commands that compute nothing, in new processes."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from harness import Harness

from resnetzoo import bench

AT_LEAST = 7  # rounds: processes start unevenly, three are too few


@pytest.mark.short
def test_import(harness: Harness) -> None:
    race_torch(harness, "import resnetzoo")


@pytest.mark.short
def test_first_network(harness: Harness) -> None:
    race_torch(harness, "import resnetzoo; resnetzoo.create('resnet20')")


@pytest.mark.short
@pytest.mark.parametrize("words", ["--help", "--version", "train --help", "list", "info resnet56"])
def test_command(harness: Harness, words: str) -> None:
    """Measured in starts of an interpreter that does nothing."""
    nothing = bench.Candidate("python", process("-c", "pass"))
    ours = bench.Candidate(f"resnetzoo {words}", process("-m", "resnetzoo", *words.split()))
    harness.race(ours, calibration=nothing, at_least=AT_LEAST)


def race_torch(harness: Harness, statement: str) -> None:
    """The import of torch is the calibration: no other operation waits for disk and linker as it does."""
    torch_alone = bench.Candidate("import torch", process("-c", "import torch"))
    harness.race(bench.Candidate(statement, process("-c", statement)), calibration=torch_alone, at_least=AT_LEAST)


def process(*words: str) -> Callable[[], float]:
    """The seconds from the start of an interpreter with these arguments to its end."""

    def seconds() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    return seconds
