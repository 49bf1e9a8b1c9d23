"""How long `import resnetzoo` takes in a fresh process, against `import torch` alone."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from harness import Harness

from resnetzoo import bench


@pytest.mark.short
def test_import(harness: Harness) -> None:
    """The import of torch is its own calibration: no other operation waits for disk and linker as it does."""
    torch_alone = bench.Candidate("import torch", process("import torch"))
    ours = bench.Candidate("import resnetzoo", process("import resnetzoo"))
    harness.race(ours, calibration=torch_alone, at_least=7)  # processes start unevenly: three rounds are too few


def process(statement: str) -> Callable[[], float]:
    """The seconds from the start of an interpreter to its end."""

    def seconds() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        return time.perf_counter() - began

    return seconds
