"""Augmentation and normalization against a slow reference, image by image."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as peer

import resnetzoo
from resnetzoo.data.device_loader import DeviceLoader, draw_augmentation
from resnetzoo.data.normalization import measure_normalization

CPU = torch.device("cpu")


def batches(data: resnetzoo.Data, kind: str, padding: int = 4, flip: bool = True) -> DeviceLoader:
    normalization = measure_normalization(data.train.images, kind)  # type: ignore[arg-type]
    return DeviceLoader(data.train, normalization, padding=padding, flip=flip, device=CPU)


@pytest.mark.parametrize("kind", ["channel", "per_pixel_mean"])
def test_each_image_is_normalized_padded_cropped_and_mirrored(tiny_data: resnetzoo.Data, kind: str) -> None:
    loader = batches(tiny_data, kind)
    augmentation = loader.augmentation(seed=0, epoch=3)
    images, labels = loader.batch(augmentation, slice(16, 32))
    normalize = measure_normalization(tiny_data.train.images, kind)  # type: ignore[arg-type]
    for place in range(16):
        chosen = augmentation.order[16 + place]
        expected = peer.pad(normalize(tiny_data.train.images[chosen][None])[0], [4])  # zeros after normalization
        expected = peer.crop(expected, int(augmentation.top[16 + place]), int(augmentation.left[16 + place]), 32, 32)
        if augmentation.flip[16 + place]:
            expected = peer.horizontal_flip(expected)
        torch.testing.assert_close(images[place], expected)
        assert labels[place] == tiny_data.train.labels[chosen]


def test_without_padding_and_mirror_images_stay_in_place(tiny_data: resnetzoo.Data) -> None:
    loader = batches(tiny_data, "channel", padding=0, flip=False)
    augmentation = loader.augmentation(seed=0, epoch=0)
    images, _ = loader.batch(augmentation, slice(0, 48))
    normalize = measure_normalization(tiny_data.train.images, "channel")
    torch.testing.assert_close(images, normalize(tiny_data.train.images[augmentation.order]))


def test_the_last_batch_holds_what_is_left(tiny_data: resnetzoo.Data) -> None:
    loader = batches(tiny_data, "channel")
    images, labels = loader.batch(loader.augmentation(seed=0, epoch=0), slice(40, 60))
    assert len(images) == len(labels) == 8
    assert images.is_contiguous(memory_format=torch.channels_last)


@settings(max_examples=50)
@given(
    count=st.integers(1, 300), seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 10**6), padding=st.integers(0, 8)
)
def test_a_draw_depends_on_its_arguments_alone(count: int, seed: int, epoch: int, padding: int) -> None:
    torch.manual_seed(count)
    first = draw_augmentation(count, seed=seed, epoch=epoch, padding=padding, flip=True)
    torch.manual_seed(count + 1)
    again = draw_augmentation(count, seed=seed, epoch=epoch, padding=padding, flip=True)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert sorted(first.order.tolist()) == list(range(count))
    for corner in (first.top, first.left):
        assert 0 <= int(corner.min()) <= int(corner.max()) <= 2 * padding


def test_each_image_has_a_draw_of_its_own() -> None:
    augmentation = draw_augmentation(10_000, seed=0, epoch=0, padding=4, flip=True)
    counts = torch.bincount(augmentation.top * 9 + augmentation.left, minlength=81)
    assert len(counts) == 81
    assert counts.min() > 60  # 123 expected of each corner
    assert 4_700 < int(augmentation.flip.sum()) < 5_300
    other = draw_augmentation(10_000, seed=0, epoch=1, padding=4, flip=True)
    assert not torch.equal(augmentation.order, other.order)
    assert not draw_augmentation(100, seed=0, epoch=0, padding=4, flip=False).flip.any()


def test_normalization_is_measured_as_numpy_would(tiny_data: resnetzoo.Data) -> None:
    pixels = tiny_data.train.images.numpy() / 255
    channel = measure_normalization(tiny_data.train.images, "channel")
    np.testing.assert_allclose(channel.mean.flatten(), pixels.mean(axis=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(channel.std.flatten(), pixels.std(axis=(0, 2, 3)), rtol=1e-5)
    per_pixel = measure_normalization(tiny_data.train.images, "per_pixel_mean")
    np.testing.assert_allclose(per_pixel.mean, pixels.mean(axis=0), rtol=1e-5)
    assert (per_pixel.std == 1).all()


def test_images_of_one_colour_do_not_divide_by_zero() -> None:
    flat = torch.full((4, 3, 8, 8), 77, dtype=torch.uint8)
    assert measure_normalization(flat, "channel")(flat).abs().max() < 1e-4
