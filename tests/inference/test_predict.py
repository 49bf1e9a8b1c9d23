"""Classes of image files: every mode and size, every way to be broken, and the sheet that shows them."""

import copy
import json
import os
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import TINY_RECIPE, Call, assert_one_line
from PIL import Image
from processes import Command
from torchvision.transforms.v2 import functional
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli
from resnetzoo.data.classes import classes_of, numbered_classes
from resnetzoo.data.constants import NormalizationKind
from resnetzoo.data.normalization import channel_normalization, measure_normalization
from resnetzoo.data.transforms import ImageTransform
from resnetzoo.inference import predictor as predicting
from resnetzoo.inference.contact_sheet import MAX_TILES, check_sheet_name
from resnetzoo.inference.image_files import image_suffixes
from resnetzoo.inference.predictor import model_title
from resnetzoo.utils.text import printable


@pytest.fixture(scope="module")
def model() -> resnetzoo.CifarNet:
    return resnetzoo.create("resnet20", weights=True)


def picture(seed: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """Soft blobs: an image whose channels and sides all differ."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def png(width: int, height: int) -> bytes:
    """A PNG that claims this size and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def answer(model: resnetzoo.CifarNet, image: Image.Image) -> tuple[tuple[str, ...], list[float]]:
    """What the network says of an image that was never a file."""
    with torch.inference_mode():
        probabilities = model(model.preprocess(image)[None]).softmax(dim=1)[0]
    values, labels = probabilities.topk(3)
    return tuple(classes_of("cifar10")[int(label)] for label in labels), values.tolist()


@pytest.mark.parametrize("size", [(32, 32), (1, 1), (300, 20), (20, 300)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_a_file_is_answered_like_its_image(model: resnetzoo.CifarNet, mode: str, size: tuple[int, int]) -> None:
    image = picture(size=size).convert(mode)
    image.save("image.png")
    [found] = resnetzoo.predict(model, "image.png")
    classes, values = answer(model, image)
    assert (found.path, found.classes, found.error) == (Path("image.png"), classes, None)
    assert found.probabilities == pytest.approx(values, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "mode"), [("a.jpg", "CMYK"), ("a.tif", "YCbCr"), ("a.tif", "CMYK"), ("a.webp", "RGBA"), ("a.bmp", "RGB")]
)
def test_other_formats(model: resnetzoo.CifarNet, name: str, mode: str) -> None:
    picture().convert(mode).save(name)
    [found] = resnetzoo.predict(model, name)
    with Image.open(name) as image:
        assert found.classes == answer(model, image)[0]


@pytest.mark.parametrize(
    ("name", "dtype", "scale"),
    [
        ("deep.png", "<u2", 257),
        ("deep.tif", "<u2", 257),
        ("deep.tif", ">u2", 257),
        ("deep.tif", "<i4", 257),
        ("deep.tif", "<i4", 1),
        ("deep.tif", "<f4", 1),
        ("deep.tif", "<f4", 1 / 255),
    ],
)
def test_grey_of_any_depth_is_8_bits(model: resnetzoo.CifarNet, name: str, dtype: str, scale: float) -> None:
    grey = picture().convert("L")
    Image.fromarray((np.asarray(grey, np.float64) * scale).astype(dtype)).save(name)
    [found] = resnetzoo.predict(model, name)
    assert found.probabilities == pytest.approx(answer(model, grey)[1], abs=1e-6)


@pytest.mark.parametrize("size", [(10_000, 1), (1, 10_000), (2_001, 2)])
def test_of_a_very_long_image_only_the_middle_is_resized(
    model: resnetzoo.CifarNet, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = torch.randint(0, 256, (3, size[1], size[0]), dtype=torch.uint8)
    resize, resized = functional.resize, []

    def watched(image: torch.Tensor, *rest: Any, **choices: Any) -> torch.Tensor:
        resized.append(image)
        return resize(image, *rest, **choices)

    monkeypatch.setattr(functional, "resize", watched)
    found = model.preprocess(pixels)
    [middle] = resized
    assert max(middle.shape) <= 32 * min(size) + 1
    assert torch.equal(middle, functional.center_crop(pixels, list(middle.shape[-2:])))
    assert found.shape == (3, 32, 32)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(model: resnetzoo.CifarNet, orientation: int) -> None:
    upright = picture()
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undone[orientation]) if orientation in undone else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save("turned.png", exif=exif)
    [found] = resnetzoo.predict(model, "turned.png")
    assert found.probabilities == pytest.approx(answer(model, upright)[1], abs=1e-6)


def test_metadata_that_cannot_be_read_do_not_matter(model: resnetzoo.CifarNet) -> None:
    picture().save("a.png", exif=b"Exif\x00\x00MM\x00*garbage of no length at all")
    [found] = resnetzoo.predict(model, "a.png")
    assert found.probabilities == pytest.approx(answer(model, picture())[1], abs=1e-6)


def test_an_animation_is_its_first_frame(model: resnetzoo.CifarNet) -> None:
    first = picture(1).quantize()
    first.save("a.gif", save_all=True, append_images=[picture(2).quantize()])
    with Image.open("a.gif") as image:
        assert resnetzoo.predict(model, "a.gif")[0].classes == answer(model, image)[0]


def test_images_in_folders_are_known_by_what_pillow_reads() -> None:
    usual = {".png", ".jpg", ".jpeg", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".tga", ".ico"}
    assert usual | {".jp2", ".pcx", ".dib", ".apng"} <= image_suffixes()
    assert not image_suffixes() & {".pdf", ".h5", ".mpg", ".txt", ".pt", ".npy", ".zip", ""}


def test_what_cannot_be_read_has_its_own_line(model: resnetzoo.CifarNet) -> None:
    picture(size=(200, 200)).save("whole.jpg")
    Path("half.jpg").write_bytes(Path("whole.jpg").read_bytes()[:1000])
    Path("empty.png").touch()
    Path("text.png").write_text("no pixels\n" * 20)
    Path("bomb.png").write_bytes(png(60_000, 60_000))
    Path("cut.png").write_bytes(png(40, 40))
    Path("void").mkdir()
    os.mkfifo("pipe.png")
    words = [
        "half.jpg",
        "whole.jpg",
        "empty.png",
        "text.png",
        "bomb.png",
        "cut.png",
        "void",
        "pipe.png",
        "no.png",
        "*.x",
    ]
    found = {prediction.path.name: prediction for prediction in resnetzoo.predict(model, words, batch_size=3)}
    assert list(found) == words
    good = found.pop("whole.jpg")
    assert good.error is None
    assert len(good.classes) == 3
    for name, reason in {
        "half.jpg": "damaged: image file is truncated",
        "empty.png": "an empty file, of 0 bytes",
        "text.png": "no image, or in a format that Pillow does not read",
        "bomb.png": "Pillow's limit against decompression bombs",
        "cut.png": "damaged: ",
        "void": "a folder without images",
        "pipe.png": "not a regular file",
        "no.png": "no such file",
        "*.x": "no file matches",
    }.items():
        failed = found[name]
        assert (failed.classes, failed.probabilities) == ((), ())
        assert failed.error is not None
        assert reason in failed.error
        assert "\n" not in failed.error


def test_files_folders_and_patterns_in_order_and_once(model: resnetzoo.CifarNet) -> None:
    for name in ("a10.png", "a2.png", "b/c.jpg", "b/.hidden.png", "b/d/E.PNG", "odd[1].png", "²3.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        picture().save(name)
    Path("b/notes.txt").write_text("no image")

    def names(*words: str) -> list[str]:
        return [str(found.path) for found in resnetzoo.predict(model, words)]

    assert names("a*.png") == ["a2.png", "a10.png"]
    assert names("a10.png", "a*.png", "./a2.png", str(Path("a2.png").absolute())) == ["a10.png", "a2.png"]
    assert names("b") == ["b/c.jpg", "b/d/E.PNG"]
    assert names("**/*.jpg", "odd[1].png") == ["b/c.jpg", "odd[1].png"]
    assert names("?3.png") == ["²3.png"]
    assert names("b*") == names("b")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no image named: give files, folders or patterns"),
        ("nowhere.png", "no image found: nowhere.png: no such file"),
        (["*.png", "b", "c", "d"], r"\*.png: no file matches; b: no such file; c: no such file; and 1 more"),
    ],
)
def test_nothing_found_is_a_mistake(model: resnetzoo.CifarNet, words: str | list[str], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.predict(model, words)


def test_batches_and_mode_change_nothing(model: resnetzoo.CifarNet) -> None:
    for seed in range(5):
        picture(seed).save(f"{seed}.png")
    at_once = resnetzoo.predict(model, "*.png", top=100)
    model.train()
    two_by_two = resnetzoo.predict(model, "*.png", top=100, batch_size=2)
    assert model.training
    model.eval()
    for one, other in zip(at_once, two_by_two, strict=True):
        assert one.classes == other.classes
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
        assert sum(one.probabilities) == pytest.approx(1, abs=1e-5)
        assert len(one.classes) == 10


def test_a_frozen_layer_stays_frozen(tiny_model: resnetzoo.CifarNet, tiny_data: resnetzoo.Data) -> None:
    picture().save("a.png")
    tiny_model.normalization = channel_normalization((0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    tiny_model.train()
    tiny_model.bn1.eval()
    modes = [module.training for module in tiny_model.modules()]
    resnetzoo.predict(tiny_model, "a.png")
    resnetzoo.evaluate(tiny_model, tiny_data.test)
    assert [module.training for module in tiny_model.modules()] == modes


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_networks_of_every_float_type_predict(model: resnetzoo.CifarNet, dtype: torch.dtype) -> None:
    picture().save("a.png")
    [found] = resnetzoo.predict(copy.deepcopy(model).to(dtype), "a.png")
    assert found.classes[0] == answer(model, picture())[0][0]
    assert found.probabilities == pytest.approx(answer(model, picture())[1], abs=0.05)


def test_an_optimized_network_predicts_too(model: resnetzoo.CifarNet) -> None:
    picture().save("a.png")
    fast = resnetzoo.optimize(model, precision="fp32", compile=False)
    [found] = resnetzoo.predict(fast, "a.png")
    assert found.classes == answer(model, picture())[0]
    assert found.probabilities == pytest.approx(answer(model, picture())[1], abs=1e-4)


def test_classes_are_known_or_numbered(
    tiny_model: resnetzoo.CifarNet, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    picture().save("a.png")
    resnetzoo.fit(tiny_model, tiny_data, tiny_recipe, out="run", device="cpu")
    resnetzoo.save_weights(resnetzoo.load_model("run"), "saved.safetensors")
    for word in ("run", "saved.safetensors"):
        trained = resnetzoo.load_model(word)
        assert tiny_model.classes == trained.classes == tiny_data.classes
        assert set(resnetzoo.predict(trained, "a.png", top=10)[0].classes) == set(tiny_data.classes)
    bare = copy.deepcopy(trained)
    bare.classes = None
    [numbered] = resnetzoo.predict(bare, "a.png", top=10)
    assert set(numbered.classes) == {f"class {label}" for label in range(10)}
    [named] = resnetzoo.predict(bare, "a.png", top=10, classes=tiny_data.classes)
    assert named.probabilities == numbered.probabilities
    assert set(named.classes) == set(tiny_data.classes)
    trained.reset_classifier(7)
    assert trained.classes is None


def test_an_image_of_an_odd_mode_has_its_own_line(model: resnetzoo.CifarNet, monkeypatch: pytest.MonkeyPatch) -> None:
    images = {"a.png": Image.new("La", (5, 5)), "b.png": picture()}  # Pillow turns La into LA alone
    for name in images:
        picture().save(name)
    monkeypatch.setattr(predicting, "read_image", lambda path: images[path.name])
    odd, plain = resnetzoo.predict(model, list(images))
    assert odd.error is not None
    assert odd.error.startswith("of a kind that Pillow does not turn into pixels (conversion from La")
    assert plain.error is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("cat.png", r"expected a PIL image or a tensor, not str: PIL\.Image\.open reads a file"),
        (np.zeros((5, 5, 3), np.uint8), r"not ndarray: .* PIL\.Image\.fromarray takes an array"),
        (torch.zeros(3, 0, 5, dtype=torch.uint8), r"at least one pixel, found one of shape \[3, 0, 5\]"),
        (torch.zeros(1, 5, 5), r"expected an image \(3, H, W\) or \(N, 3, H, W\), not \[1, 5, 5\]"),
        (torch.zeros(3, 5, 5, dtype=torch.int64), "expected pixels as uint8, or as float from 0 to 1, not torch.int64"),
        (torch.full((3, 5, 5), 200.0), "floats from 0 to 1, found 200 to 200: give pixels of 0 to 255 as uint8"),
        (torch.full((3, 5, 5), -1.9), "expected floats from 0 to 1, found -1.9 to -1.9"),
        (torch.full((3, 5, 5), torch.nan), "expected floats from 0 to 1, found nan to nan"),
    ],
)
def test_what_is_no_image(model: resnetzoo.CifarNet, image: Any, message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        model.preprocess(image)


def test_a_little_beyond_the_range_is_clamped(model: resnetzoo.CifarNet) -> None:
    image = torch.rand(3, 5, 5) * 1.4 - 0.2  # as resizing leaves it
    assert torch.equal(model.preprocess(image), model.preprocess(image.clamp(0, 1)))


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_come_as_tensors(channels: int) -> None:
    picture().save("a.png")
    model = resnetzoo.create("resnet20", in_chans=channels)
    model.normalization = channel_normalization((0.5,) * channels, (0.2,) * channels)
    assert model.preprocess(torch.zeros(channels, 40, 32)).shape == (channels, 32, 32)
    with pytest.raises(resnetzoo.UsageError, match=f"a network of {channels} channels takes no PIL images"):
        resnetzoo.predict(model, "a.png")


@pytest.mark.parametrize("kind", ["channel", "per_pixel_mean"])
@pytest.mark.parametrize("older", [False, True])
def test_images_become_as_large_as_in_training(
    tiny_model: resnetzoo.CifarNet, tiny_data: resnetzoo.Data, kind: NormalizationKind, older: bool
) -> None:
    train, test = (
        replace(images, images=functional.resize(images.images, [16, 16]))
        for images in (tiny_data.train, tiny_data.test)
    )
    small = replace(tiny_data, train=train, test=test)
    resnetzoo.fit(tiny_model, small, replace(TINY_RECIPE, normalization=kind), out="run", device="cpu")
    if older:  # files that do not say the size, of which a mean for each place does
        content = torch.load("run/checkpoint.pt", weights_only=True)
        del content["normalization"]["size"]
        torch.save(content, "run/checkpoint.pt")
    size = 32 if older and kind == "channel" else 16
    model = resnetzoo.load_model("run")
    assert model.preprocess(picture()).shape == (3, size, size)
    resnetzoo.save_weights(model, "saved.safetensors")
    assert resnetzoo.load_model("saved.safetensors").preprocess(picture()).shape == (3, size, size)
    picture().save("a.png")
    [found] = resnetzoo.predict(model, "a.png")
    assert model.normalization is not None
    with torch.inference_mode():
        expected = model(ImageTransform(model.normalization, size)(picture())[None]).softmax(dim=1)
    assert found.probabilities == pytest.approx(expected.topk(3).values[0].tolist(), abs=1e-6)


def test_squares_are_no_input_of_a_network_for_oblongs(tiny_model: resnetzoo.CifarNet) -> None:
    pixels = torch.zeros(1, 3, 16, 24, dtype=torch.uint8)
    tiny_model.normalization = measure_normalization(pixels, "per_pixel_mean")
    with pytest.raises(resnetzoo.UsageError, match="trained on images of 16 x 24 pixels with a mean for each place"):
        tiny_model.preprocess(picture())


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"top": 0}, "top must be a whole number from 1, not 0"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1, not 0"),
        ({"classes": ["cat", "dog"]}, "2 names of classes for a network of 10"),
    ],
)
def test_what_cannot_be_meant(model: resnetzoo.CifarNet, choices: dict[str, object], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.predict(model, "a.png", **choices)  # type: ignore[arg-type]


def test_networks_that_cannot_predict() -> None:
    with pytest.raises(resnetzoo.UsageError, match="nobody knows how pixels become the input of this network"):
        resnetzoo.predict(resnetzoo.create("resnet20"), "a.png")
    headless = resnetzoo.create("resnet20", weights=True)
    headless.reset_classifier(0)
    with pytest.raises(resnetzoo.UsageError, match="the network has no classifier"):
        resnetzoo.predict(headless, "a.png")


@pytest.mark.parametrize("count", [5, 20])
def test_a_classifier_put_in_by_hand_has_no_old_names(count: int) -> None:
    model = resnetzoo.create("resnet20", weights=True)
    model.fc = torch.nn.Linear(64, count)
    picture().save("a.png")
    (found,) = resnetzoo.predict(model, "a.png", top=count)
    assert sorted(found.classes) == sorted(numbered_classes(count))
    with pytest.raises(resnetzoo.UsageError, match=f"10 names of classes for a network of {count}"):
        resnetzoo.predict(model, "a.png", classes=classes_of("cifar10"))
    model.fc = torch.nn.Sequential(torch.nn.Dropout(), model.fc)
    with pytest.raises(resnetzoo.UsageError, match="does not say how many classes it has: name them with classes="):
        resnetzoo.predict(model, "a.png")
    assert len(resnetzoo.predict(model, "a.png", classes=numbered_classes(count), top=count)[0].classes) == count


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
    with pytest.raises(resnetzoo.UsageError, match=r"ends in \.png or \.svg, not sheet\.jpg"):
        resnetzoo.save_sheet(found, "sheet.jpg")
    with pytest.raises(resnetzoo.ResnetzooError, match=r"cannot write /proc/nothing/sheet\.png"):
        resnetzoo.save_sheet(found[:1], "/proc/nothing/sheet.png")


@pytest.mark.parametrize("sheet", ["photo.png", "link.png"])
def test_a_sheet_is_not_drawn_over_an_image(call: Call, sheet: str) -> None:
    picture().save("photo.png")
    Path("link.png").symlink_to("photo.png")
    before = Path("photo.png").read_bytes()
    words = ("predict", "gone.png", "photo.png", "--device", "cpu", "--sheet", f"./{sheet}")
    assert_one_line(call(cli.main, *words), 2, f"{sheet} is one of the images: give the sheet another name")
    with pytest.raises(resnetzoo.UsageError, match="is one of the images"):
        resnetzoo.save_sheet([resnetzoo.Prediction(Path("photo.png"), ("cat",), (1.0,))], sheet)
    assert Path("photo.png").read_bytes() == before


def test_a_line_break_in_a_name_stays_one_line() -> None:
    assert printable("a\nb\udce9.png") == "a\ufffdb\ufffd.png"


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


def test_a_terminal_that_lacks_letters(run_command: Command, fork_command: Command, tmp_path: Path) -> None:
    picture().save(tmp_path / "n\u00e4me.png")
    words = ("resnetzoo", "predict", ".", "--device", "cpu")
    table = run_command(*words, PYTHONIOENCODING="ascii")
    assert (table.returncode, table.stderr) == (0, "")
    assert "n?me.png" in table.stdout
    rows = fork_command(*words, "--json", PYTHONIOENCODING="ascii")
    assert (rows.returncode, rows.stderr) == (0, "")
    assert json.loads(rows.stdout)[0]["path"] == "n\u00e4me.png"


def test_the_example_of_the_help_draws_a_sheet() -> None:
    said = CliRunner().invoke(cli.app, ["predict", "--help"]).output
    example = " ".join(said.split()).split("Example: ")[1]
    check_sheet_name(example.split("--sheet ")[1].split()[0].removesuffix("."))


def test_a_broken_file_fails_the_command_after_all_others(call: Call) -> None:
    picture().save("good.png")
    Path("bad.png").write_text("no image")
    words = ["predict", "*.png", "--model", "plainnet20", "--top", "2", "--device", "cpu", "--json"]
    assert_one_line(call(cli.main, *words), 1, "1 of 2 files could not be read")
    bad, good = json.loads(CliRunner().invoke(cli.app, words).stdout)
    assert (bad["path"], bad["classes"], bad["error"]) == (
        "bad.png",
        [],
        "no image, or in a format that Pillow does not read",
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
        (("a.png", "--sheet", "sheet.jpg"), 2, "ends in .png or .svg, not sheet.jpg"),
        (("b.png", "--sheet", "/proc/x.png"), 1, "free space or choose another folder\n"),
        (("a.png", "--top", "0"), 2, "top must be a whole number from 1, not 0"),
        (("a.png", "--batch-size", "0"), 2, "batch_size must be a whole number from 1, not 0"),
        (("a.png", "--dataset", "mnist"), 2, "dataset must be one of cifar10, cifar100, synthetic"),
        (("a.png", "--dataset", "cifar100"), 2, "100 names of classes for a network of 10"),
        (("a.png", "--family", "plain"), 1, 'family="plain" was asked for'),
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
    assert (status, said) == (0, "the model does not say what its classes are called: --dataset names them\n")
    words = ("predict", "a.png", "--model", "bare.safetensors", "--dataset", "cifar10", "--device", "cpu")
    assert call(cli.main, *words) == (0, "")


def test_a_model_without_weights_of_its_own_is_asked_as_well() -> None:
    class Means(torch.nn.Module):
        num_classes = 3
        normalization = channel_normalization((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean(dim=(2, 3))

    Image.new("RGB", (8, 8), "lime").save("a.png")
    [found] = resnetzoo.predict(Means(), "a.png")
    assert found.classes[0] == "class 1"
