"""Contact sheets: images with what a network takes them for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Call, assert_one_line
from PIL import Image
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli
from resnetzoo.inference.contact_sheet import MAX_TILES, check_sheet_name
from resnetzoo.inference.predictor import model_title
from resnetzoo.utils.text import printable


@pytest.fixture(scope="module")
def model() -> resnetzoo.CifarNet:
    return resnetzoo.create("resnet20", weights=True)


def picture(seed: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """Soft blobs: an image whose channels and sides all differ."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_sheet_draws_every_file(model: resnetzoo.CifarNet, suffix: str) -> None:
    names = ["$x_1$.png", "名前.png", "a\nb.png", f"{'long' * 20}.png"]
    for name in names:
        picture(size=(90, 30)).save(name)
    Path("text.png").write_text("no image")
    found = resnetzoo.predict(model, [*names, "text.png", "gone.png"])
    Path("a\nb.png").unlink()  # between the two readings
    resnetzoo.save_sheet(found, f"out/sheet{suffix}", title=model_title(model))
    content = Path(f"out/sheet{suffix}").read_bytes()
    if suffix == ".png":
        with Image.open(f"out/sheet{suffix}") as sheet:
            assert min(sheet.size) > 500
    else:
        assert content.count(b"<image") == 3


def test_a_sheet_has_an_end(model: resnetzoo.CifarNet) -> None:
    found = [resnetzoo.Prediction(Path(f"{place}.png"), (), (), "no such file") for place in range(MAX_TILES + 1)]
    resnetzoo.save_sheet(found[:3], "few.svg")
    resnetzoo.save_sheet(found, "many.svg")
    assert Path("many.svg").stat().st_size > Path("few.svg").stat().st_size
    with pytest.raises(resnetzoo.UsageError, match="at least one prediction"):
        resnetzoo.save_sheet([], "none.png")
    with pytest.raises(resnetzoo.UsageError, match=r"end in \.png, \.svg or \.pdf, not to sheet\.jpg"):
        resnetzoo.save_sheet(found, "sheet.jpg")
    with pytest.raises(resnetzoo.ResnetzooError, match=r"cannot write /proc/nothing/sheet\.png"):
        resnetzoo.save_sheet(found[:1], "/proc/nothing/sheet.png")


ONE = resnetzoo.Prediction(Path("photo.png"), (), (), "no such file")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (ONE, "a Prediction"),
        (iter([ONE]), "a list_iterator"),
        ("photo.png", "a str"),
        ([ONE, "photo.png"], "a list with a str in it"),
    ],
    ids=["prediction", "iterator", "name", "names"],
)
def test_a_sheet_is_drawn_of_a_list(given: Any, found: str) -> None:
    message = rf"a list of them, as predict returns it, not {found}: pass a single one as \[prediction\]"
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.save_sheet(given, "sheet.png")
    resnetzoo.save_sheet((ONE,), "sheet.png")


@pytest.mark.parametrize("sheet", ["photo.png", "link.png"])
def test_a_sheet_is_not_drawn_over_an_image(call: Call, sheet: str) -> None:
    picture().save("photo.png")
    Path("link.png").symlink_to("photo.png")
    before = Path("photo.png").read_bytes()
    words = ("predict", "gone.png", "photo.png", "--device", "cpu", "--sheet", f"./{sheet}")
    assert_one_line(call(cli.main, *words), 2, f"{sheet} is one of the images: choose another name for the sheet")
    with pytest.raises(resnetzoo.UsageError, match="is one of the images"):
        resnetzoo.save_sheet([resnetzoo.Prediction(Path("photo.png"), ("cat",), (1.0,))], sheet)
    assert Path("photo.png").read_bytes() == before


def test_a_sheet_repeats_no_warning_about_its_files(model: resnetzoo.CifarNet, call: Call) -> None:
    for name in ("a.png", "b.png"):
        pixels = np.asarray(picture().convert("L")).astype("<u2")
        Image.fromarray(pixels * 16).save(name)
    with pytest.warns(resnetzoo.SampleDepthWarning) as warned:
        status, _ = call(cli.main, "predict", "a.png", "b.png", "--device", "cpu", "--sheet", "s.png")
    assert (status, [f"{warning.message}"[:5] for warning in warned]) == (0, ["a.png", "b.png"])
    with pytest.warns(resnetzoo.SampleDepthWarning):
        found = resnetzoo.predict(model, ["a.png", "b.png"])
    resnetzoo.save_sheet(found, "again.png")  # where any warning would be an error


def test_a_line_break_in_a_name_stays_one_line() -> None:
    assert printable("a\nb\udce9.png") == "a\ufffdb\ufffd.png"


def test_the_example_of_the_help_draws_a_sheet() -> None:
    said = CliRunner().invoke(cli.app, ["predict", "--help"]).output
    example = " ".join(said.split()).split("Example: ")[1]
    check_sheet_name(example.split("--sheet ")[1].split()[0].removesuffix("."))
