"""The device that a word stands for. The suite lets `auto` be the CPU; what it is to users is asked here."""

import os
import subprocess
import sys

import pytest
import torch
from cases import ROOT
from processes import environment

import resnetzoo
from resnetzoo.errors import DeviceError
from resnetzoo.utils import device

ASK = "import resnetzoo; print(resnetzoo.resolve_device())"


def outside_the_suite(**variables: str) -> str:
    """What `auto` is in a new process, where no test has changed anything."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run([sys.executable, "-c", ASK], env=variables, capture_output=True, text=True, check=True).stdout


def test_auto_is_the_first_device_that_torch_finds() -> None:
    found = (torch.cuda.is_available(), torch.backends.mps.is_available())
    expected = {(False, False): "cpu", (False, True): "mps"}.get(found, "cuda")
    assert outside_the_suite() == expected + "\n"


@pytest.mark.cuda
def test_auto_is_cuda_unless_it_is_hidden() -> None:
    assert outside_the_suite() == "cuda\n"
    assert outside_the_suite(CUDA_VISIBLE_DEVICES="") != "cuda\n"


def test_auto_takes_the_first_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "first_device", lambda: torch.device("cuda", 1))
    assert resnetzoo.resolve_device() == resnetzoo.resolve_device("auto") == torch.device("cuda", 1)


def test_the_suite_names_no_device_and_gets_the_cpu() -> None:
    assert resnetzoo.resolve_device() == torch.device("cpu")
    assert environment()["CUDA_VISIBLE_DEVICES"] == ""


def test_a_device_that_is_not_here() -> None:
    with pytest.raises(DeviceError, match=r'device "cuda:99" is not available'):
        resnetzoo.resolve_device("cuda:99")
