"""Images of any size, mode and number of channels as input, and what is no image."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from cases import TINY_RECIPE
from PIL import Image
from torchvision.transforms.v2 import functional

import resnetzoo
from resnetzoo.data.constants import NormalizationKind
from resnetzoo.data.normalization import channel_normalization, measure_normalization
from resnetzoo.data.transforms import ImageTransform
from resnetzoo.inference import predictor as predicting


@pytest.fixture(scope="module")
def model() -> resnetzoo.CifarNet:
    return resnetzoo.create("resnet20", weights=True)


def picture(seed: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """Soft blobs: an image whose channels and sides all differ."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def test_an_image_of_an_odd_mode_has_its_own_line(model: resnetzoo.CifarNet, monkeypatch: pytest.MonkeyPatch) -> None:
    images = {"a.png": Image.new("La", (5, 5)), "b.png": picture()}  # Pillow turns La into LA alone
    for name in images:
        picture().save(name)
    monkeypatch.setattr(predicting, "read_image", lambda path: images[path.name])
    odd, plain = resnetzoo.predict(model, list(images))
    assert odd.error is not None
    assert odd.error.startswith("of a kind that Pillow cannot convert to pixels (conversion from La")
    assert plain.error is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("cat.png", r"expected a PIL image or a tensor, not str: open a file with PIL\.Image\.open"),
        (np.zeros((5, 5, 3), np.uint8), r"not ndarray: .* convert an array \(H, W, C\) with PIL\.Image\.fromarray"),
        (torch.zeros(3, 0, 5, dtype=torch.uint8), r"at least one pixel, found one of shape \[3, 0, 5\]"),
        (torch.zeros(1, 5, 5), r"expected an image \(3, H, W\) or \(N, 3, H, W\), not \[1, 5, 5\]"),
        (
            torch.zeros(3, 5, 5, dtype=torch.int64),
            "expected pixels as uint8, or as floats from 0 to 1, not torch.int64",
        ),
        (torch.full((3, 5, 5), 200.0), "floats from 0 to 1, found 200 to 200: pass pixels from 0 to 255 as uint8"),
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
    with pytest.raises(resnetzoo.UsageError, match=f"a network with {channels} channels does not take PIL images"):
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
    if older:  # files that do not say the size, of which a mean for each pixel does
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
    with pytest.raises(resnetzoo.UsageError, match="trained on images of 16 x 24 pixels with a mean for each pixel"):
        tiny_model.preprocess(picture())


@pytest.mark.parametrize("side", [32, 40])
def test_gradients_reach_floats_through_the_preprocessing(model: resnetzoo.CifarNet, side: int) -> None:
    """Against a finite difference, in double precision; a step along the signs raises the loss, as in attacks."""
    exact = copy.deepcopy(model).double().eval()
    both = resnetzoo.WithPreprocessing(exact)
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, side, side, dtype=torch.float64, generator=generator) * 0.9 + 0.05
    direction = torch.randn(image.shape, dtype=torch.float64, generator=generator)

    def losses(x: torch.Tensor) -> list[torch.Tensor]:
        probabilities = [exact(exact.preprocess(x)).softmax(1)]
        probabilities += [both(x.permute(0, 2, 3, 1))] if side == 32 else []
        return [-value[0, 1].log() for value in probabilities]

    for index, loss in enumerate(losses(image.requires_grad_())):
        [gradient] = torch.autograd.grad(loss, image, retain_graph=True)
        with torch.no_grad():
            up, down = (losses(image + step * direction)[index] for step in (1e-7, -1e-7))
            assert float((gradient * direction).sum()) == pytest.approx(float((up - down) / 2e-7), rel=1e-3)
            assert losses(image + 0.01 * gradient.sign())[index] > loss


def test_floats_are_not_rounded_to_8_bits(model: resnetzoo.CifarNet) -> None:
    image = torch.full((3, 32, 32), 0.5)
    assert model.normalization is not None
    assert torch.equal(model.preprocess(image), (image - model.normalization.mean) / model.normalization.std)
