"""Classes of image files: every mode and size, every way to be broken, and the sheet that shows them."""

import copy
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import resnetzoo
from resnetzoo.data.classes import classes_of, numbered_classes
from resnetzoo.data.normalization import channel_normalization


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
    # Pillow before 13 cannot read its own TIFF files in YCbCr unless they are compressed.
    picture().convert(mode).save(name, compression="tiff_lzw" if name.endswith(".tif") else None)
    [found] = resnetzoo.predict(model, name)
    with Image.open(name) as image:
        assert found.classes == answer(model, image)[0]


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
        "text.png": "not an image, or in a format that Pillow does not read",
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


def test_a_file_is_answered_once_however_it_is_reached(model: resnetzoo.CifarNet, tmp_path: Path) -> None:
    """By `..`, and by a link to its folder; a link to the file itself is a name that may be asked for."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(tmp_path / "photos" / "a.png")
    (tmp_path / "linked").symlink_to(tmp_path / "photos")
    (tmp_path / "photos" / "b.png").symlink_to("a.png")
    words = ["photos/more/../a.png", "photos/a.png", "linked/a.png", "linked/more/../b.png"]
    found = resnetzoo.predict(model, [tmp_path / word for word in words])
    assert [prediction.path for prediction in found] == [tmp_path / words[0], tmp_path / words[3]]


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
        ([], "no images given: pass files, folders or patterns"),
        ("nowhere.png", "no image found: nowhere.png: no such file"),
        (["*.png", "b", "c", "d"], r"\*.png: no file matches; b: no such file; c: no such file; and 1 more"),
        (Image.new("RGB", (32, 32)), r"found Image: pass files, .* for an image in memory use model\(model.preprocess"),
        ([Path("a.png"), torch.zeros(3, 32, 32)], "read from files, found Tensor: pass files"),
        (None, "read from files, found NoneType: pass files"),
    ],
)
def test_nothing_found_is_a_mistake(model: resnetzoo.CifarNet, words: Any, message: str) -> None:
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


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"top": 0}, "top must be a whole number from 1, not 0"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1, not 0"),
        ({"classes": ["cat", "dog"]}, "2 class names for a network with 10"),
        ({"classes": range(10)}, r"classes must be the names of all classes, .*, not range\(0, 10\)"),
    ],
)
def test_what_cannot_be_meant(model: resnetzoo.CifarNet, choices: dict[str, object], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.predict(model, "a.png", **choices)  # type: ignore[arg-type]


def test_networks_that_cannot_predict() -> None:
    with pytest.raises(resnetzoo.UsageError, match="the input normalization of this network is not known"):
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
    with pytest.warns(
        UserWarning, match=f"now has a classifier of {count} classes but names of 10, which are left out"
    ):
        (found,) = resnetzoo.predict(model, "a.png", top=count)
    assert sorted(found.classes) == sorted(numbered_classes(count))
    with pytest.raises(resnetzoo.UsageError, match=f"10 class names for a network with {count}"):
        resnetzoo.predict(model, "a.png", classes=classes_of("cifar10"))
    model.classes = None
    model.fc = torch.nn.Sequential(torch.nn.Dropout(), model.fc)
    assert sorted(resnetzoo.predict(model, "a.png", top=count)[0].classes) == sorted(numbered_classes(count))


class Silent(torch.nn.Module):
    """A classifier that does not say how many classes it tells apart."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.rows = torch.nn.Parameter(torch.randn(count, 64))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features @ self.rows.T


@pytest.mark.parametrize("count", [5, 20])
def test_a_classifier_that_says_nothing_needs_names(count: int) -> None:
    model = resnetzoo.create("resnet20", weights=True)
    model.fc = Silent(count)
    assert model.num_classes is None
    picture().save("a.png")
    with pytest.raises(resnetzoo.UsageError, match=f"the network returns {count} logits, but 10 classes are named"):
        resnetzoo.predict(model, "a.png")
    model.classes = None
    with pytest.raises(
        resnetzoo.UsageError, match="the number of classes of this model is not known: name them with classes="
    ):
        resnetzoo.predict(model, "a.png")
    assert len(resnetzoo.predict(model, "a.png", classes=numbered_classes(count), top=count)[0].classes) == count


def test_a_model_without_weights_of_its_own_is_asked_as_well() -> None:
    class Means(torch.nn.Module):
        num_classes = 3
        normalization = channel_normalization((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean(dim=(2, 3))

    Image.new("RGB", (8, 8), "lime").save("a.png")
    [found] = resnetzoo.predict(Means(), "a.png")
    assert found.classes[0] == "class 1"
