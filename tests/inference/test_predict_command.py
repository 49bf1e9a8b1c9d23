"""The command predict."""

import json
from pathlib import Path

import numpy as np
import pytest
from cases import Call, assert_one_line
from PIL import Image
from processes import Command
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli


@pytest.fixture(scope="module")
def model() -> resnetzoo.CifarNet:
    return resnetzoo.create("resnet20", weights=True)


def picture(seed: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """Soft blobs: an image whose channels and sides all differ."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.slow
def test_three_images_from_a_terminal(fork_command: Command, tmp_path: Path) -> None:
    for seed in range(3):
        picture(seed).save(f"{seed}.png")
    said = fork_command("resnetzoo", "predict", "0.png", "1.png", "2.png", "--device", "cpu", "--sheet", "sheet.png")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("resnet20.modern_c10, top-1 test error 7.87 % (n = 10,000)\n")
    rows = [line for line in said.stdout.splitlines() if ".png" in line]
    assert [row.split()[1] for row in rows[:3]] == ["0.png", "1.png", "2.png"]
    assert rows[3:] == ["written: sheet.png"]
    assert (tmp_path / "sheet.png").is_file()


@pytest.mark.slow
def test_a_terminal_that_lacks_letters(run_command: Command, fork_command: Command, tmp_path: Path) -> None:
    picture().save(tmp_path / "n\u00e4me.png")
    words = ("resnetzoo", "predict", ".", "--device", "cpu")
    table = run_command(*words, PYTHONIOENCODING="ascii")
    assert (table.returncode, table.stderr) == (0, "")
    assert "n?me.png" in table.stdout
    rows = fork_command(*words, "--json", PYTHONIOENCODING="ascii")
    assert (rows.returncode, rows.stderr) == (0, "")
    assert json.loads(rows.stdout)[0]["path"] == "n\u00e4me.png"


def test_a_broken_file_fails_the_command_after_all_others(call: Call) -> None:
    picture().save("good.png")
    Path("bad.png").write_text("no image")
    words = ["predict", "*.png", "--model", "plainnet20", "--top", "2", "--device", "cpu", "--json"]
    assert_one_line(call(cli.main, *words), 1, "1 of 2 files could not be read")
    bad, good = json.loads(CliRunner().invoke(cli.app, words).stdout)
    assert (bad["path"], bad["classes"], bad["error"]) == (
        "bad.png",
        [],
        "not an image, or in a format that Pillow does not read",
    )
    assert (good["path"], len(good["classes"]), good["error"]) == ("good.png", 2, None)
    assert good["probabilities"] == sorted(good["probabilities"], reverse=True)


def test_files_that_are_all_missing_have_their_rows_in_json(fork_command: Command) -> None:
    said = fork_command("resnetzoo", "predict", "a.png", "*.jpg", "--device", "cpu", "--json")
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    rows = json.loads(said.stdout)
    assert [(row["path"], row["error"]) for row in rows] == [("a.png", "no such file"), ("*.jpg", "no file matches")]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("a.png",), 2, "no image found: a.png: no such file"),
        (("a.png", "--model", "resent20"), 2, "did you mean resnet20"),
        (("a.png", "--model", "nowhere.pt"), 1, "nowhere.pt: no such checkpoint"),
        (("a.png", "--sheet", "sheet.jpg"), 2, "end in .png, .svg or .pdf, not to sheet.jpg"),
        (("b.png", "--sheet", "/proc/x.png"), 1, "choose another folder\n"),
        (("a.png", "--top", "0"), 2, "--top must be a whole number from 1, not 0"),
        (("a.png", "--batch-size", "0"), 2, "--batch-size must be a whole number from 1, not 0"),
        (("a.png", "--dataset", "mnist"), 2, "--dataset must be one of cifar10, cifar100, cifar100-coarse, synthetic"),
        (("a.png", "--dataset", "cifar100"), 2, "100 class names for a network with 10"),
        (("a.png", "--family", "plain"), 1, "--family plain was asked for"),
    ],
)
def test_a_mistake_gets_one_line(call: Call, words: tuple[str, ...], status: int, message: str) -> None:
    picture().save("b.png")
    assert_one_line(call(cli.main, "predict", *words, "--device", "cpu"), status, message)


def test_numbered_classes_are_said(call: Call, tmp_path: Path) -> None:
    picture().save("a.png")
    model = resnetzoo.create("resnet20", weights=True)
    model.classes = None
    resnetzoo.save_weights(model, "bare.safetensors")
    status, said = call(cli.main, "predict", "a.png", "--model", "bare.safetensors", "--device", "cpu")
    assert (status, said) == (0, "the model does not contain the names of its classes: pass --dataset to name them\n")
    words = ("predict", "a.png", "--model", "bare.safetensors", "--dataset", "cifar10", "--device", "cpu")
    assert call(cli.main, *words) == (0, "")
