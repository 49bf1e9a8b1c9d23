"""Image files of every format that Pillow reads, upright, and of an animation the first frame."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional

import resnetzoo
from resnetzoo.data.classes import classes_of
from resnetzoo.inference.image_files import image_suffixes


@pytest.fixture(scope="module")
def model() -> resnetzoo.CifarNet:
    return resnetzoo.create("resnet20", weights=True)


def picture(seed: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """Soft blobs: an image whose channels and sides all differ."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def answer(model: resnetzoo.CifarNet, image: Image.Image) -> tuple[tuple[str, ...], list[float]]:
    """What the network says of an image that was never a file."""
    with torch.inference_mode():
        probabilities = model(model.preprocess(image)[None]).softmax(dim=1)[0]
    values, labels = probabilities.topk(3)
    return tuple(classes_of("cifar10")[int(label)] for label in labels), values.tolist()


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
