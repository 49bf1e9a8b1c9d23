"""Image files of every format that Pillow reads, upright, and of an animation the first frame."""

import pickle
import struct
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import EpsImagePlugin, Image
from torchvision.transforms.v2.functional import center_crop

import resnetzoo
from resnetzoo.data import SampleDepthWarning, read_image
from resnetzoo.data.classes import classes_of
from resnetzoo.data.image_paths import image_suffixes
from resnetzoo.data.transforms import flatten
from resnetzoo.utils.text import printable


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
        ("deep.tif", "<f4", 1 / 255),
    ],
)
def test_grey_of_any_depth_is_8_bits(model: resnetzoo.CifarNet, name: str, dtype: str, scale: float) -> None:
    grey = picture().convert("L")
    Image.fromarray((np.asarray(grey, np.float64) * scale).astype(dtype)).save(name)
    [found] = resnetzoo.predict(model, name)
    assert found.probabilities == pytest.approx(answer(model, grey)[1], abs=1e-6)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_samples_of_16_bits_scale_by_the_depth_that_is_found(model: resnetzoo.CifarNet, name: str, bits: int) -> None:
    grey = np.asarray(picture().convert("L")).astype(np.float64)
    grey += 255 - grey.max()  # white somewhere
    white = 2**bits - 1
    Image.fromarray((grey * white / 255).round().astype("<u2")).save(name)
    with pytest.warns(SampleDepthWarning, match=f"{name} has 16-bit samples, of which 0 to {white:,} are read"):
        found = read_image(name)
    assert np.abs(np.asarray(found) - grey).max() <= 1
    with pytest.warns(SampleDepthWarning):
        [predicted] = resnetzoo.predict(model, name)
    assert predicted.probabilities == pytest.approx(answer(model, found)[1], abs=1e-6)


def deep_png(samples: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of 16 bits a sample, grey (H, W), or (H, W, 2 to 4), written by its specification alone."""
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[samples[0, 0].size]
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    parts = ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


@pytest.mark.parametrize(("channels", "mode"), [(2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_colours_of_12_bits_keep_what_pillow_drops(channels: int, mode: str) -> None:
    samples = np.random.default_rng(0).integers(0, 4096, (5, 7, channels))
    samples[0, 0] = 4095
    Path("a.png").write_bytes(deep_png(samples))
    with pytest.warns(SampleDepthWarning, match="0 to 4,095 .* its largest sample is 4,095"):
        found = read_image("a.png")
    assert found.mode == mode
    assert np.abs(np.asarray(found) - samples / 4095 * 255).max() <= 0.5
    opened = Image.open("a.png")
    with pytest.warns(SampleDepthWarning):
        assert np.array_equal(np.asarray(flatten(opened, "RGB")), np.asarray(read_image("a.png", "RGB")))
    opened = Image.open("a.png")
    opened.load()
    with pytest.raises(resnetzoo.errors.ImageError, match="Pillow has kept only the upper 8"):
        flatten(opened, "RGB")


@pytest.mark.parametrize("largest", [4095, 900, 100])
def test_the_depth_that_a_png_states_counts(largest: int) -> None:
    """sBIT says 12 bits: right in the 16, as many write them, or brought to all 16, as PNG asks, however dark."""
    samples = np.random.default_rng(0).integers(0, largest + 1, (9, 9))
    stated = (b"sBIT", b"\x0c")
    Path("a.png").write_bytes(deep_png(samples, stated))
    with pytest.warns(SampleDepthWarning, match="0 to 4,095 .* it states 12 bits"):
        assert np.abs(np.asarray(read_image("a.png")) - samples / 4095 * 255).max() <= 0.5
    Path("a.png").write_bytes(deep_png((samples * 65_535 / 4095).round(), stated))
    assert np.abs(np.asarray(read_image("a.png")) - samples / 4095 * 255).max() <= 1


def test_the_depth_that_a_tiff_states_counts() -> None:
    samples = np.random.default_rng(0).integers(0, 500, (9, 9))
    Image.fromarray(samples.astype("<u2")).save("a.tif", tiffinfo={281: 4095})
    with pytest.warns(SampleDepthWarning, match="it states MaxSampleValue = 4,095"):
        assert np.abs(np.asarray(read_image("a.tif")) - samples / 4095 * 255).max() <= 0.5


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.float32([[0, 255]]), "floats from 0 to 255"),
        (np.float32([[-1, 1]]), "floats from -1 to 1"),
        (np.float32([[0, np.nan]]), "floats from nan to nan"),
        (np.int32([[0, 70_000]]), "whole numbers from 0 to 70,000"),
        (np.int32([[-5, 250]]), "whole numbers from -5 to 250"),
    ],
)
def test_samples_out_of_range_are_refused(model: resnetzoo.CifarNet, samples: np.ndarray, message: str) -> None:
    Image.fromarray(samples).save("a.tif")
    [found] = resnetzoo.predict(model, "a.tif")
    assert found.error is not None
    assert message in found.error


@pytest.mark.parametrize("size", [(10_000, 1), (1, 10_000), (2_001, 2)])
def test_of_a_very_long_image_only_the_middle_is_resized(
    model: resnetzoo.CifarNet, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = torch.randint(0, 256, (3, size[1], size[0]), dtype=torch.uint8)
    interpolate, interpolated = torch.nn.functional.interpolate, []

    def watched(images: torch.Tensor, *rest: Any, **choices: Any) -> torch.Tensor:
        interpolated.append(images)
        return interpolate(images, *rest, **choices)

    monkeypatch.setattr(torch.nn.functional, "interpolate", watched)
    found = model.preprocess(pixels)
    [[middle]] = interpolated
    assert max(middle.shape) <= 32 * min(size) + 1
    assert torch.equal(middle, center_crop(pixels, list(middle.shape[-2:])))
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


@pytest.mark.parametrize("mode", [None, "RGB"])
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone.png", None, "no such file"),
        ("empty.png", b"", "an empty file, of 0 bytes"),
        ("text.png", b"no image", "not an image, or in a format that Pillow does not read"),
        ("torn.png", b"\x89PNG\r\n\x1a\n", "not an image, or in a format that Pillow does not read"),
        ("th\udce9.png", b"", "an empty file, of 0 bytes"),
    ],
    ids=["gone", "empty", "text", "torn", "bytes"],
)
def test_an_error_names_its_file_once(
    model: resnetzoo.CifarNet, name: str, content: bytes | None, reason: str, mode: Literal["RGB"] | None
) -> None:
    (Path("set") / "cat").mkdir(parents=True)
    path = Path("set") / "cat" / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(resnetzoo.errors.ImageError) as raised:
        read_image(path, mode)
    assert str(raised.value) == f"{printable(path)}: {reason}"
    assert raised.value.reason == reason
    assert pickle.loads(pickle.dumps(raised.value)).reason == reason
    with pytest.raises(resnetzoo.prediction.NoImageError) if content is None else nullcontext() as none:
        assert resnetzoo.predict(model, path)[0].error == reason
    assert none is None or str(none.value) == f"no image found: {printable(path)}: {reason}"
    if content is not None:
        with pytest.raises(resnetzoo.errors.DataError) as refused:
            resnetzoo.load_data("folder", "set")
        assert str(refused.value) == f"1 image file cannot be read: {printable(path)}: {reason}"


@pytest.mark.parametrize("mode", ["rgb", "", "RGBA", 3])
def test_the_mode_of_an_image_that_is_read_is_one_of_two(mode: Any) -> None:
    picture().save("a.png")
    with pytest.raises(resnetzoo.UsageError, match=r"mode must be one of RGB, L, not "):
        read_image("a.png", mode)


def test_an_intact_image_whose_decoder_is_missing_is_not_called_damaged(
    model: resnetzoo.CifarNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ghostscript for EPS, a library that Pillow was built without, and formats whose pixels it never reads."""
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", False)
    monkeypatch.setattr(EpsImagePlugin, "gs_windows_binary", False, raising=False)
    picture().save("a.eps")
    picture().save("a.jp2")
    monkeypatch.delattr("PIL._imaging.jpeg2k_decoder")
    Path("a.grb").write_bytes(b"GRIB" + bytes([0, 0, 0, 1]) + bytes(40))
    for name, reason in {
        "a.eps": "EPS, which Pillow reads only with Ghostscript: install it (the program gs), or save the image as PNG",
        "a.jp2": "Pillow recognizes but does not read (decoder jpeg2k not available): save it as PNG",
        "a.grb": "Pillow recognizes but does not read (cannot find loader for this GRIB file): save it as PNG",
    }.items():
        with pytest.raises(resnetzoo.errors.ImageError) as raised:
            read_image(name)
        assert raised.value.reason.endswith(reason)
        assert resnetzoo.predict(model, name)[0].error == raised.value.reason
