"""What analysis refuses, and says why."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import resnetzoo
from resnetzoo import analysis
from resnetzoo.data.image_set import ImageSet

Measure = Callable[[nn.Module, ImageSet], object]


MEASURES: dict[str, Measure] = {
    "response_std": analysis.response_std,
    "gradient_norms": analysis.gradient_norms,
    "shortcut_share": analysis.shortcut_share,
    "cka": lambda model, images: analysis.cka(model, model, images),
    "loss_surface": lambda model, images: analysis.loss_surface(model, images, points=3),
}


@pytest.fixture
def images() -> ImageSet:
    return resnetzoo.synthetic(seed=1, train_images=10, test_images=10).test


@pytest.mark.parametrize("name", MEASURES)
def test_other_models_are_refused(name: str, images: ImageSet) -> None:
    with pytest.raises(resnetzoo.UsageError, match=r"takes a network of resnetzoo.*not Linear"):
        MEASURES[name](nn.Linear(3, 3), images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (resnetzoo.synthetic(train_images=10, test_images=10), "an ImageSet, such as data.test, or a tensor, not Data"),
        (np.zeros((2, 3, 8, 8)), "or a tensor, not ndarray"),
        (torch.zeros(3, 8, 8), r"must be \(N, 3, H, W\).*not torch.float32 \[3, 8, 8\]"),
        (torch.zeros(2, 1, 8, 8), r"not torch.float32 \[2, 1, 8, 8\]"),
        (torch.zeros(0, 3, 8, 8), "at least one image of at least one pixel"),
        (torch.zeros(2, 3, 8, 0), "at least one image of at least one pixel"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int64), "uint8 pixels or normalized floats, not torch.int64"),
    ],
)
def test_images_that_no_network_reads(images: Any, message: str, tiny_model: resnetzoo.CifarNet) -> None:
    measures: list[Callable[[], object]] = [
        lambda: analysis.response_std(tiny_model, images),
        lambda: analysis.shortcut_share(tiny_model, images),
        lambda: analysis.cka(tiny_model, tiny_model, images),
        lambda: analysis.gradient_norms(tiny_model, (images, torch.zeros(2, dtype=torch.int64))),
    ]
    for measure in measures:
        with pytest.raises(resnetzoo.UsageError, match=message):
            measure()


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (torch.zeros(2, 3, 8, 8), r"an ImageSet, or \(images, labels\), not Tensor"),
        ((torch.zeros(2, 3, 8, 8),), r"or \(images, labels\), not tuple of 1"),
        ((torch.zeros(2, 3, 8, 8), torch.zeros(2)), r"int64 tensor, one for each of 2 images, not torch.float32 \[2\]"),
        ((torch.zeros(2, 3, 8, 8), torch.zeros(3, dtype=torch.int64)), r"2 images, not torch.int64 \[3\]"),
        ((torch.zeros(2, 3, 8, 8), [0, 1]), "2 images, not list"),
        (
            (torch.zeros(2, 3, 8, 8), torch.tensor([0, 10])),
            "image 1 has label 10, but the network's classes go from 0 to 9",
        ),
    ],
)
def test_batches_without_a_loss(batch: Any, message: str, tiny_model: resnetzoo.CifarNet) -> None:
    for measure in (analysis.gradient_norms, analysis.loss_surface):
        with pytest.raises(resnetzoo.UsageError, match=message):
            measure(tiny_model, batch)


@pytest.mark.parametrize("name", ["resnet8", "preresnet20"])
def test_one_image_of_which_a_norm_sees_one_value(name: str) -> None:
    model, one = resnetzoo.create(name, seed=0), torch.tensor([3])
    with pytest.raises(
        resnetzoo.UsageError, match=r"one image of 4 x 4 pixels, of which layer3\.0\.bn[12], a batch norm"
    ):
        analysis.gradient_norms(model, (torch.randn(1, 3, 4, 4), one))
    for images in (torch.randn(1, 3, 8, 8), torch.randn(2, 3, 4, 4)):
        assert np.isfinite(analysis.gradient_norms(model, (images, one.expand(len(images)))).values).all()


def test_what_cannot_be_measured_says_why(tiny_model: resnetzoo.CifarNet, images: ImageSet) -> None:
    with pytest.raises(resnetzoo.UsageError, match="plainnet8 is plain and has no shortcuts"):
        analysis.shortcut_share(resnetzoo.plainnet(8), images)
    with pytest.raises(resnetzoo.UsageError, match="from 2 to 2,000 of them, not 1;"):
        analysis.cka(tiny_model, tiny_model, torch.zeros(1, 3, 8, 8))
    with pytest.raises(resnetzoo.UsageError, match="not 2,001;"):
        analysis.cka(tiny_model, tiny_model, torch.zeros(2_001, 3, 1, 1))
    with pytest.raises(resnetzoo.UsageError, match="batch_size must be a whole number from 1, not 0"):
        analysis.response_std(tiny_model, images, batch_size=0)
    with pytest.raises(resnetzoo.UsageError, match="points must be a whole number from 3, not 1"):
        analysis.loss_surface(tiny_model, images, points=1)
    with pytest.raises(resnetzoo.UsageError, match=r"points must be odd.*not 4: use 5"):
        analysis.loss_surface(tiny_model, images, points=4)
    with pytest.raises(resnetzoo.UsageError, match="span must be a number above 0, not -1"):
        analysis.loss_surface(tiny_model, images, span=-1)
    with pytest.raises(resnetzoo.UsageError, match="seed must be a whole number"):
        analysis.loss_surface(tiny_model, images, seed=-1)
    tiny_model.reset_classifier(0)
    with pytest.raises(resnetzoo.UsageError, match=r"no classifier and therefore no loss.*reset_classifier\(10\)"):
        analysis.gradient_norms(tiny_model, images)
    assert len(analysis.response_std(tiny_model, images).names) == 7
