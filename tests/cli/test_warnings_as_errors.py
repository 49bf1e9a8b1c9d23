"""Warnings that `PYTHONWARNINGS=error` makes errors: one line like any other, before anything is changed."""

import warnings
from functools import partial
from pathlib import Path

import pytest
import torch
from cases import Call, assert_one_line
from processes import Command

import resnetzoo
from resnetzoo import cli

MADE_ONE = "(a warning, which PYTHONWARNINGS or -W turns into an error)\n"


@pytest.fixture(autouse=True)
def _errors() -> None:
    warnings.simplefilter("error")  # until the test ends, as pytest puts the filters back


@pytest.mark.parametrize("category", [UserWarning, DeprecationWarning, resnetzoo.CheckpointWarning])
def test_a_warning_of_any_category_is_a_line(call: Call, category: type[Warning]) -> None:
    said = call(partial(resnetzoo.run_main, lambda: warnings.warn("one\n  and two", category, stacklevel=1)))
    assert_one_line(said, 1, "error: one and two (a warning")
    assert said[1].endswith(MADE_ONE)


def test_options_are_named_as_they_are_typed(call: Call, tmp_path: Path) -> None:
    one, other = (resnetzoo.create("resnet8", seed=seed) for seed in (0, 1))
    torch.save({"model": one.state_dict(), "teacher": other.state_dict()}, tmp_path / "both.pt")
    said = call(cli.main, "export", "both.pt", "--format", "safetensors", "--out", "taken.safetensors")
    assert_one_line(said, 1, f"; --key teacher takes it {MADE_ONE}")
    assert not (tmp_path / "taken.safetensors").exists()


def test_a_damaged_checkpoint_stays_where_it_is(call: Call, tmp_path: Path) -> None:
    words = ("--recipe", "SMOKE", "--epochs", "1", "--max-train-images", "64", "--dataset", "synthetic", "--out", "run")
    begin = ("train", "resnet8", *words, "--device", "cpu")
    assert call(cli.main, *begin)[0] == 0
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"PK")
    before = {path.name for path in (tmp_path / "run").iterdir()}
    assert_one_line(call(cli.main, *begin), 1, "checkpoint.previous.pt (a warning")
    assert {path.name for path in (tmp_path / "run").iterdir()} == before
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == b"PK"
    warnings.simplefilter("ignore")
    assert call(cli.main, *begin)[0] == 0


def test_a_command_of_its_own(run_command: Command, tmp_path: Path) -> None:
    one, other = (resnetzoo.create("resnet8", seed=seed) for seed in (0, 1))
    torch.save({"model": one.state_dict(), "teacher": other.state_dict()}, tmp_path / "both.pt")
    words = ("export", "both.pt", "--format", "safetensors", "--out", "taken.safetensors")
    said = run_command("resnetzoo", *words, PYTHONWARNINGS="error::UserWarning")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert said.stderr.endswith(f"--key teacher takes it {MADE_ONE}")
