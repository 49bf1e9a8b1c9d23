"""The loss around a network's weights."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

import resnetzoo
from resnetzoo import analysis
from resnetzoo.data.image_set import ImageSet


@pytest.fixture
def images() -> ImageSet:
    return resnetzoo.synthetic(seed=1, train_images=10, test_images=10).test


def test_the_middle_of_the_surface_is_the_networks_own_loss(tiny_model: resnetzoo.CifarNet, images: ImageSet) -> None:
    surface = analysis.loss_surface(tiny_model, images, points=3, span=0.7)
    assert surface.losses.shape == (3, 3)
    assert surface.losses[1, 1] == pytest.approx(resnetzoo.evaluate(tiny_model, images).loss, rel=1e-6)  # fp32 sums
    again = analysis.loss_surface(tiny_model, images, points=3, span=0.7)
    np.testing.assert_array_equal(surface.losses, again.losses)
    other = analysis.loss_surface(tiny_model, images, points=3, span=0.7, seed=1)
    assert (surface.losses != other.losses).sum() == 8


def test_the_steps_of_the_surface(tiny_model: resnetzoo.CifarNet) -> None:
    """At 7 points and 0.7, steps that were added up would miss the middle by their rounding."""
    batch = torch.zeros(1, 3, 4, 4), torch.tensor([0])
    surface = analysis.loss_surface(tiny_model, batch, points=7, span=0.7)
    np.testing.assert_allclose(surface.first, np.linspace(-0.7, 0.7, 7), atol=1e-12)
    np.testing.assert_array_equal(surface.first, surface.second)
    assert surface.first[3] == 0
    assert surface.first[-1] == 0.7


def test_the_corners_of_the_surface_by_hand(tiny_model: resnetzoo.CifarNet, images: ImageSet) -> None:
    """Each filter of a direction is as long as the network's; norms and biases do not move."""
    surface = analysis.loss_surface(tiny_model, images, points=3, span=0.5, seed=7)
    random = torch.Generator().manual_seed(7)
    weights = [name for name, value in tiny_model.named_parameters() if value.dim() > 1]
    directions: list[dict[str, Tensor]] = [{}, {}]
    for direction in directions:
        for name in weights:
            weight = tiny_model.get_parameter(name).detach()
            drawn = torch.randn(weight.shape, generator=random)
            direction[name] = torch.stack([d / d.norm() * w.norm() for d, w in zip(drawn, weight, strict=True)])
    for (i, a), (j, b) in [((0, -0.5), (0, -0.5)), ((0, -0.5), (2, 0.5)), ((2, 0.5), (1, 0))]:
        moved = copy.deepcopy(tiny_model)
        for name in weights:
            moved.get_parameter(name).data += a * directions[0][name] + b * directions[1][name]
        assert surface.losses[i, j] == pytest.approx(resnetzoo.evaluate(moved, images).loss, rel=1e-5)
