"""Errors and warnings of the Python functions, as the command line says them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import TINY_RECIPE, Call, small_network, small_synthetic
from hypothesis import given
from hypothesis import strategies as st
from processes import Command
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli
from resnetzoo.cli.typed_options import in_typed_words, with_option

TYPED = {"precision": ("--precision", ""), "record": ("--record", "--no-record"), "batch_size": ("--batch-size", "")}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('use precision="bf16", or record=False', "use --precision bf16, or --no-record"),
        ('leave record=True out, or say device="cuda"', 'leave --record out, or say device="cuda"'),
        ("needs precision=..., such as a word", "needs --precision, such as a word"),
        ('precision="a b" is not one', "--precision 'a b' is not one"),
        ('use fit(create("a"), precision="bf16")', 'use fit(create("a"), precision="bf16")'),
        ('in doubt (or precision="bf16")', "in doubt (or --precision bf16)"),
        ("precision=False", "precision=False"),
    ],
)
def test_arguments_become_options_outside_of_calls(message: str, said: str) -> None:
    assert in_typed_words(message, TYPED) == said


def test_the_first_word_becomes_an_option() -> None:
    assert with_option("batch_size must be from 1, not 0", TYPED) == "--batch-size must be from 1, not 0"
    assert with_option("runs/record holds", TYPED) == "runs/record holds"


def test_words_that_were_typed_stay() -> None:
    message = "record=True holds another run; record=False"
    assert in_typed_words(message, TYPED, ["record=True"]) == "record=True holds another run; --no-record"


@given(
    st.from_regex(
        r"([a-z_]{1,5}[/.,=-])+record=True([,/][a-z.]{1,9})?|[a-z]{0,9}(record|precision)=[0-9a-z.]{1,4}",
        fullmatch=True,
    )
)
def test_paths_stay_as_they_are(path: str) -> None:
    message = f"error: {path} holds another run"
    assert in_typed_words(message, TYPED) == message


def test_commands_speak_of_options(run_command: Command, tmp_path: Path) -> None:
    smoke = ("--dataset", "synthetic", "--max-train-images", "64", "--epochs", "1", "--device", "cpu", "--out", "run")
    refused = run_command("resnetzoo", "train", "resnet8", "--record", *smoke)
    assert refused.returncode == 2
    assert refused.stderr.endswith(": leave --record out, or say --device cuda\n")
    assert not (tmp_path / "run").exists()
    begun = ("resnetzoo", "train", "resnet8", *smoke)
    assert run_command(*begun).returncode == 0
    another = run_command(*begun, "--seed", "1")
    assert another.returncode == 1
    assert another.stderr.endswith(
        "Choose another folder, such as --out run-2, or move that one away, as --fresh does\n"
    )
    one, other = (resnetzoo.create("resnet8", seed=seed) for seed in (0, 1))
    torch.save({"model": one.state_dict(), "teacher": other.state_dict()}, tmp_path / "both.pt")
    exported = run_command("resnetzoo", "export", "both.pt", "--format", "safetensors", "--out", "taken.safetensors")
    assert exported.returncode == 0
    assert exported.stderr.startswith("warning: both.pt: ")
    assert exported.stderr.endswith("; --key teacher takes it\n")


def test_a_run_that_averages_names_the_option_for_its_other_network(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small_synthetic()
    monkeypatch.setattr(resnetzoo, "load_data", lambda *_, **__: data, raising=False)
    recipe = replace(TINY_RECIPE, ema_decay=0.9)
    resnetzoo.fit(small_network(0), data, recipe, out=tmp_path / "run", device="cpu", progress=False)
    capsys.readouterr()
    monkeypatch.setattr("sys.argv", ["resnetzoo", "eval", "run", "--device", "cpu"])
    assert cli.main() == 0
    assert "which were not taken; --key model takes it" in capsys.readouterr().out


def test_the_help_lists_every_family() -> None:
    for command in ("eval", "predict", "export"):
        said = " ".join(CliRunner().invoke(cli.app, [command, "--help"]).output.split())
        assert "plain, residual or preactivation" in said
